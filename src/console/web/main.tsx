/** Starts the page. */
import { render } from 'preact';
import { App } from './app.tsx';
import { startHome } from './state/home.ts';
import { takeKeyFromAddress } from './state/key.ts';
import { startKeys } from './state/keys.ts';
import { startLink } from './state/link.ts';
import { startNotify } from './state/notify.ts';
import { startPlace } from './state/place.ts';
import { startTitle } from './state/title.ts';
import { startTips } from './ui/tips.tsx';
import './styles/base.css';
import './styles/layout.css';
import './styles/fleet.css';
import './styles/agent.css';
import './styles/live.css';
import './styles/inbox.css';
import './styles/terminal.css';
import './styles/dialogs.css';

takeKeyFromAddress();
startPlace();
startHome();
startLink();
startKeys();
startTitle();
startNotify();
startTips();
render(<App />, document.getElementById('app')!);
