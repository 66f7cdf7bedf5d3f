// A sheet from below: it takes the focus, keeps it, and gives it back.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../words'
import { Icon } from './icons'

export function Sheet({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const element = dialog.current
    element?.showModal()
    element?.querySelector('h2')?.focus()
    return () => element?.close()
  }, [])
  return (
    <dialog ref={dialog} class="sheet" aria-labelledby="sheet-title" onCancel={(event) => { event.preventDefault(); onClose() }}>
      <div class="sheet-head">
        <h2 id="sheet-title" tabIndex={-1}>{title}</h2>
        <button type="button" class="plain" aria-label={t('close')} onClick={onClose}><Icon name="close" /></button>
      </div>
      {children}
    </dialog>
  )
}
