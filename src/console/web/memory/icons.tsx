/** Icons that only memories and feedback need, loaded with them. */
import { Drawn } from '../ui/icon.tsx';

const UP =
  'M5 7.5 7.6 2.4a1.4 1.4 0 0 1 1.5 1.7L8.7 6.4h3.6a1.2 1.2 0 0 1 1.2 1.5l-1 4.2a1.4 1.4 0 0 1-1.4 1.1H5m0-5.7v5.7m0-5.7H2.8v5.7H5';
const DOWN =
  'M5 8.5l2.6 5.1a1.4 1.4 0 0 0 1.5-1.7l-.4-2.3h3.6a1.2 1.2 0 0 0 1.2-1.5l-1-4.2a1.4 1.4 0 0 0-1.4-1.1H5m0 5.7V2.8m0 5.7H2.8V2.8H5';

export const UpIcon = () => <Drawn path={UP} />;
export const DownIcon = () => <Drawn path={DOWN} />;
export const PinIcon = () => <Drawn path="M6 2.5h4l-.5 4 2 2.3h-7l2-2.3-.5-4ZM8 8.8v4.7" />;
export const EditIcon = () => (
  <Drawn path="m3 13 .6-2.7 7-7a1.1 1.1 0 0 1 1.6 0l.5.5a1.1 1.1 0 0 1 0 1.6l-7 7L3 13Z" />
);
export const ImportIcon = () => <Drawn path="M8 2.5v7m-3-3 3 3 3-3M2.5 10.5v3h11v-3" />;
export const ExportIcon = () => <Drawn path="M8 9.5v-7m-3 3 3-3 3 3M2.5 10.5v3h11v-3" />;
