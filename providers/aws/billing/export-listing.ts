import { classifyKey, isBelow, listingPrefixes, locationOfRoot } from '../../../domain/billing/export-layout.ts';
import type { ExportLayout, KeyClass } from '../../../domain/billing/export-layout.ts';
import type { ExportLocation, ExportObject, ExportObjects } from '../../../domain/billing/ports.ts';
import type { CalendarDate } from '../../../domain/shared/time.ts';

export type PlacedObject = { object: ExportObject } & Extract<KeyClass, { kind: 'data' | 'manifest' }>;

/** The objects of one export for one billing period in one layout. */
export interface PeriodGroup {
  layout: ExportLayout;
  root: string;
  period: CalendarDate;
  data: PlacedObject[];
  manifests: PlacedObject[];
}

/** What lies below a prefix, sorted out. */
export interface ExportListing {
  /** By location (`prefix` and `name` joined), then by layout and period. */
  exports: { location: ExportLocation; groups: PeriodGroup[]; status: ExportObject[] }[];
  loose: ExportObject[];
  /** Every key seen. */
  keys: Map<string, ExportObject>;
}

/** Lists a location, all pages, and sorts its objects into exports and periods. */
export async function listExports(objects: ExportObjects, location: ExportLocation): Promise<ExportListing> {
  const listing: ExportListing = { exports: [], loose: [], keys: new Map() };
  const status: { root: string; object: ExportObject }[] = [];
  for (const prefix of listingPrefixes(location)) {
    for await (const object of objects.list(prefix)) {
      if (!isBelow(object.key, prefix) || listing.keys.has(object.key)) continue;
      listing.keys.set(object.key, object);
      const found = classifyKey(object.key);
      if (found.kind === 'data' || found.kind === 'manifest') place(listing, { object, ...found });
      else if (found.kind === 'status') status.push({ root: found.root, object });
      else if (found.kind === 'loose') listing.loose.push(object);
    }
  }
  for (const { root, object } of status) {
    const owner = listing.exports.find((entry) => isStatusOf(root, entry.location));
    owner?.status.push(object);
  }
  return listing;
}

function place(listing: ExportListing, placed: PlacedObject): void {
  const location = locationOfRoot(placed.root, placed.layout);
  let entry = listing.exports.find((known) => known.location.prefix === location.prefix && known.location.name === location.name);
  if (entry === undefined) {
    entry = { location, groups: [], status: [] };
    listing.exports.push(entry);
  }
  let group = entry.groups.find((known) => known.layout === placed.layout && known.root === placed.root && known.period === placed.period);
  if (group === undefined) {
    group = { layout: placed.layout, root: placed.root, period: placed.period, data: [], manifests: [] };
    entry.groups.push(group);
  }
  (placed.kind === 'data' ? group.data : group.manifests).push(placed);
}

/** AWS puts the status table below the name or below the name twice. */
function isStatusOf(root: string, { prefix, name }: ExportLocation): boolean {
  const once = prefix === '' ? (name ?? '') : `${prefix}/${name ?? ''}`;
  return [once, `/${once}`, `${once}/${name ?? ''}`, `/${once}/${name ?? ''}`].includes(root);
}
