// Pages that few open: loaded, with what they say, when somebody does.
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { plain } from '../market'
import { speakMore, t } from '../words'

type Loader = () => Promise<{ default: ComponentType }>

/** A page of `web/src/pages/` that is not with the first files. */
export function Later({ load }: { load: Loader }) {
  const [found, setFound] = useState<{ page: ComponentType | null; problem: string | null }>({ page: null, problem: null })
  useEffect(() => {
    let isCurrent = true
    Promise.all([load(), speakMore()])
      .then(([loaded]) => isCurrent && setFound({ page: loaded.default, problem: null }))
      .catch((error: Error) => isCurrent && setFound({ page: null, problem: t('banner.node', { said: plain(error.message) }) }))
    return () => {
      isCurrent = false
    }
  }, [load])
  return found.page ? <found.page /> : <p class="starting">{found.problem ?? t('loading')}</p>
}
