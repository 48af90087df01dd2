/** The right that Google calls "Make changes to events". */
export const NEEDED_RIGHT = 'Make changes to events';

/** What a person does with Google before a calendar can be connected; `account` once it is known. */
export function setupSteps(account: string | null): string[] {
  return [
    'In the Google Cloud console, choose or make a project, and enable the Google Calendar API in it (APIs & Services, Library).',
    'Under IAM & Admin, Service Accounts, make a service account. It needs no role. Under Keys, add a key of type JSON and keep the file.',
    `In Google Calendar, open the settings of the calendar that is to show the bookings. Under "Shared with", add ${account ?? 'the address of the service account (client_email in the key file)'} with the right "${NEEDED_RIGHT}".`,
    'In the same settings, under "Integrate calendar", copy the calendar ID. Connect the calendar here with this ID and the key file.',
  ];
}
