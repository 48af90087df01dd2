/** Every workflow of the product: what the bundle exports and workers register. */
export { booking } from './bookings/booking.ts';
export { calendar } from './calendar/calendar.ts';
export { credentialCheck, dataSource } from './data-sources/data-source.ts';
export { mail } from './notifications/mail.ts';
export { powerRun } from './power/power-run.ts';
export { powerSweep } from './power/power-sweep.ts';
export { application } from './projects/application.ts';
export { project } from './projects/project.ts';
export { tick } from './tick.ts';
export { webhookDelivery } from './webhooks/webhook-delivery.ts';
