// What the pages say that are loaded when they are opened, in German.
import type { LaterWords } from './index'

export const de: LaterWords = {
  'pair.heading': 'Auto koppeln',
  'pair.connect': 'Verbinde die Wallet, der dieses Geschäft gehört.',
  'pair.scope': 'Dein Auto unterschreibt Quittungen für dieses Geschäft: höchstens {energy:kwh}, {cost:money}. Sonst nichts. Mit dem Geschäft ist es vorbei.',
  'pair.scope.provider': 'Dein Auto unterschreibt für dieses Geschäft, was es geliefert hat: höchstens {energy:kwh}, {cost:money}. Sonst nichts. Mit dem Geschäft ist es vorbei.',
  'pair.compare': 'Dein Auto muss zeigen',
  'pair.compare.why': 'Zeigt es andere Wörter, ist dieser Code von einem anderen Auto: unterschreib nicht.',
  'pair.key': 'Sein Schlüssel:',
  'pair.sign': 'Es sind dieselben: unterschreiben',
  'pair.free': 'Unterschreiben ist kostenlos und bewegt kein Geld.',
  'pair.given': 'Dein Auto darf jetzt unterschreiben. Sieh auf seine Anzeige.',
  'pair.undelivered': 'Unterschrieben, aber noch nicht beim Auto: {said}',
  'pair.byhand': 'Von Hand zum Auto bringen',
  'pair.byhand.how': 'Kopiere diesen Text in eine Datei im Auto und nenne sie mit --session-key. Er ist nicht geheim.',
  'pair.copy': 'Text kopieren',
  'pair.nothing': 'Nichts wurde unterschrieben.',
  'pair.malformed': 'Das ist kein Code eines Autos: scanne ihn noch einmal.',
  'pair.elsewhere': 'Dieser Code ist für einen anderen Markt.',
  'pair.notyours': 'Dieses Geschäft ist nicht deins.',
  'pair.notconnected': 'Dieses Geschäft läuft nicht: ein Auto koppelt man, wenn ein Gebot angenommen ist.',
  'pair.domain': 'Der Vertrag sagt, er sei ein anderer, als diese Seite glaubt.',
}
