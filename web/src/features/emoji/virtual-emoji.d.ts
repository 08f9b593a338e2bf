declare module 'virtual:emoji' {
  const table: [group: string, lines: string][];
  export default table;
}
