/** Receipts of messages as people read them: the id at once, then each step with its time and how it is known. */
import type { InjectionView } from '../api.ts';
import { print } from './output.ts';
import { type Column, printTable } from './table.ts';
import { oneLine } from './text.ts';

/** Prints what is new of one receipt each time it is shown. */
export class ReceiptPrinter {
  #shown = 0;
  #begun = false;

  show(receipt: InjectionView): void {
    if (!this.#begun) print(`${receipt.id} ${stageText(receipt.state)}`);
    this.#begun = true;
    for (const step of receipt.steps.slice(this.#shown))
      print(oneLine(`  ${new Date(step.at_ms).toISOString()} ${stageText(step.stage)}: ${step.evidence}`));
    this.#shown = receipt.steps.length;
  }
}

/** An unknown fate is said in full: it is neither delivered nor lost. */
export function stageText(stage: string): string {
  return stage === 'unknown' ? 'delivery unknown' : stage;
}

const TABLE: Column<InjectionView>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'STATE', value: ({ state }) => stageText(state) },
  { title: 'SINCE', value: ({ steps }) => new Date(steps.at(-1)?.at_ms ?? 0).toISOString() },
  { title: 'FROM', value: ({ principal }) => principal },
  { title: 'TEXT', value: ({ text }) => text, shrinkTo: 20 },
];

export function printReceipts(receipts: InjectionView[]): void {
  printTable(TABLE, receipts);
}
