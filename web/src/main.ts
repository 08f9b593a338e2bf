import { mount } from 'svelte';
import App from './App.svelte';
import { preferences } from './features/desk/preferences.svelte';
import './ui/base.css';

const target = document.getElementById('app');
if (!target) throw new Error('the page has no #app');

preferences.show();
await preferences.speak();
mount(App, { target });
