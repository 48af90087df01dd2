import { invalidField } from '../shared/errors.ts';

export const ACCOUNT_CATEGORIES = ['personal', 'company'] as const;
export type AccountCategory = (typeof ACCOUNT_CATEGORIES)[number];

export const COLOR_SCHEMES = ['system', 'light', 'dark'] as const;
export type ColorScheme = (typeof COLOR_SCHEMES)[number];

/** What somebody says about themselves, and how they like the console. Texts are empty where nothing was said. */
export interface Profile {
  category: AccountCategory;
  firstName: string;
  lastName: string;
  address: string;
  phone: string;
  /** BCP 47, in its canonical form; null: the browser's. */
  language: string | null;
  colorScheme: ColorScheme;
}

export const EMPTY_PROFILE: Profile = { category: 'personal', firstName: '', lastName: '', address: '', phone: '', language: null, colorScheme: 'system' };

/** The canonical form of a BCP 47 language tag: `zh-hant-tw` becomes `zh-Hant-TW`. Refuses what is none: `identity.unknown-language`. */
export function canonicalLanguage(tag: string): string {
  try {
    const [canonical] = Intl.getCanonicalLocales(tag);
    if (canonical !== undefined) return canonical;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw invalidField('identity.unknown-language', 'language', 'is no language tag; give one as in BCP 47, like en, de-AT or zh-Hant-TW');
}
