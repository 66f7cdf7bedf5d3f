// What somebody wants to sign, by its name and values: a page that is opened again can make it anew.
import * as acts from './acts'
import type * as ownerActs from './owneracts'
import type { Act } from './transaction'
import { speakMore } from './words'

type Makers<Module> = {
  [Name in keyof Module as Module[Name] extends (...args: never[]) => Promise<Act> ? Name : never]: Module[Name]
}
type All = Makers<typeof acts> & Makers<typeof ownerActs>
type Maker = (...args: unknown[]) => Promise<Act>

export type Name = keyof All
export type Values<Of extends Name> = Parameters<All[Of]>

export interface Intent {
  name: Name
  args: unknown[]
}

/** Read the terms as they are now, and say what is to be signed then. */
export async function make({ name, args }: Intent): Promise<Act> {
  if (name in acts) return (acts as unknown as Record<Name, Maker>)[name](...args)
  const [others] = await Promise.all([import('./owneracts'), speakMore()])
  return (others as unknown as Record<Name, Maker>)[name](...args)
}
