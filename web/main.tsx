import './language.ts';
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './styles/page.css';
import './styles/parts.css';
import { begin } from './state.ts';
import { App } from './view/app.tsx';

render(<App />, document.getElementById('app')!);
void begin();
