import type { calendar_v3 } from 'googleapis/build/src/apis/calendar/index.js';
import type { gaxios } from 'google-auth-library';
import type { TokenSource } from '../gcp/tokens.ts';
import type { GoogleCalendarSettings } from './settings.ts';

/** Google's SDK, in the name of whoever `source` stands for; its own retries are off. */
export type CalendarSdk = calendar_v3.Calendar;

type SdkAuth = NonNullable<calendar_v3.Options['auth']>;

/** A token that Google has not taken. */
const UNAUTHORIZED = 401;

/**
 * Makes the SDK's client. The SDK is loaded by the first call: a tenth of a second and thirty megabytes that a
 * process without a Google calendar never pays.
 */
export async function calendarSdk(settings: GoogleCalendarSettings, source: TokenSource): Promise<CalendarSdk> {
  const [{ calendar }, { gaxios: library }] = await Promise.all([import('googleapis/build/src/apis/calendar/index.js'), import('google-auth-library')]);
  const transport = new library.Gaxios();
  const request = async (options: gaxios.GaxiosOptions): Promise<unknown> => {
    const headers = new Headers(options.headers);
    for (const [name, value] of await source.headers()) headers.set(name, value);
    try {
      return await transport.request({ ...options, headers, timeout: settings.requestTimeoutMs, retry: false });
    } catch (error) {
      if ((error as { response?: { status?: number } }).response?.status === UNAUTHORIZED) source.refused();
      throw error;
    }
  };
  // Of an auth client the SDK calls `request` alone.
  const auth = { request } as unknown as SdkAuth;
  return calendar({ version: 'v3', auth, ...(settings.endpoints.calendar !== null && { rootUrl: settings.endpoints.calendar }) });
}
