import { typeidUnboxed } from 'typeid-js';
import { ID_PREFIXES, type IdKind } from '../../domain/shared/ids.ts';

/** A new TypeID: the kind's prefix and a UUIDv7, so ids of a kind sort by creation. */
export function newId(kind: IdKind): string {
  return typeidUnboxed(ID_PREFIXES[kind]);
}
