/** What other domains may ask of power schedules, inside their own transaction. */
export { reselect } from './reselect.ts';
