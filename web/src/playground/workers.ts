/** The background threads of GraphiQL's editor. Vite has to see them here, in the page's own sources. */

import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker';
import JsonWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker';
import GraphqlWorker from 'monaco-graphql/esm/graphql.worker.js?worker';

Object.assign(globalThis, {
  MonacoEnvironment: {
    getWorker(_id: string, label: string): Worker {
      if (label === 'json') return new JsonWorker();
      return label === 'graphql' ? new GraphqlWorker() : new EditorWorker();
    },
  },
});
