/** States as EC2 names them, with its codes. */
const CODES = { pending: 0, running: 16, stopping: 64, stopped: 80 } as const;
export type StateName = keyof typeof CODES;

const NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html#api-error-response */
export function refusalXml(code: string, message: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>${code}</Code><Message>${escape(message)}</Message></Error></Errors><RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>`;
}

/** The answer of StartInstances or StopInstances for one instance. */
export function answerXml(action: string, nativeId: string, current: StateName, previous: StateName): string {
  const state = (name: string, value: StateName): string => `<${name}><code>${CODES[value]}</code><name>${value}</name></${name}>`;
  const item = `<item><instanceId>${nativeId}</instanceId>${state('currentState', current)}${state('previousState', previous)}</item>`;
  return `<${action}Response xmlns="${NAMESPACE}"><requestId>r</requestId><instancesSet>${item}</instancesSet></${action}Response>`;
}

/** Instances of such an answer with the state they had before. */
export function itemsOf(xml: string): { id: string; previous: string }[] {
  return [...xml.matchAll(/<item>([\s\S]*?)<\/item>/g)].flatMap(([, item = '']) => {
    const id = /<instanceId>([^<]+)</.exec(item)?.[1];
    const previous = /<previousState>[\s\S]*?<name>([^<]+)</.exec(item)?.[1];
    return id === undefined || previous === undefined ? [] : [{ id, previous }];
  });
}

/** Sets an element of one instance in an answer of DescribeInstances; added when it is not there. */
export function withinInstance(xml: string, nativeId: string, element: string, content: string): string {
  return withinItem(xml, `<instanceId>${nativeId}</instanceId>`, element, content);
}

/** The same for the item with the mark. */
export function withinItem(xml: string, mark: string, element: string, content: string): string {
  const [start, end] = itemAround(xml, mark);
  const own = xml.slice(start, end);
  const written = `<${element}>${content}</${element}>`;
  const existing = new RegExp(String.raw`<${element}>[\s\S]*?</${element}>|<${element}\s*/>`);
  if (own === '') return xml;
  return xml.slice(0, start) + (existing.test(own) ? own.replace(existing, written) : own + written) + xml.slice(end);
}

/** Where the content of the innermost item with the mark begins and ends; the end of the text twice when there is none. */
function itemAround(xml: string, mark: string): [number, number] {
  const at = xml.indexOf(mark);
  if (at === -1) return [xml.length, xml.length];
  const open: number[] = [];
  for (const match of xml.matchAll(/<item>|<\/item>/g)) {
    if (match[0] === '<item>') {
      open.push(match.index + match[0].length);
      continue;
    }
    const start = open.pop() ?? 0;
    if (start <= at && match.index > at) return [start, match.index];
  }
  throw new Error('items of the answer do not close');
}

/** Keeps the regions of the commercial partition: EC2 names no region of another one, moto does. */
export function commercialRegions(xml: string): string {
  return xml.replaceAll(/<item>[\s\S]*?<\/item>/g, (item) => (/<regionName>(cn|us-gov|us-iso|eusc)-?/.test(item) ? '' : item));
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
