import type { Plugin } from 'vite';

export default function emoji(): Plugin;
