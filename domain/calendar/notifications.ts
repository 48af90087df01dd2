/** How providers tell of changes: they call an address of ours. */
export interface CalendarChannelSettings {
  /** https, public, without a trailing slash. */
  publicUrl: string;
  /** What each channel's token is derived from; 32 bytes. */
  secret: Uint8Array;
}

/** Where notifications arrive. */
export const NOTIFICATIONS_PATH = '/v1/calendar-notifications';
/** For how long a channel is asked for: what Google gives by default. */
export const CHANNEL_SECONDS = 7 * 24 * 3600;
