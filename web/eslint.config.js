import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'test-results', 'playwright-report'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './tsconfig.node.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // Numbers and identifiers in messages read well as they are.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `void promise` says that nobody waits for it, on purpose.
      'no-void': ['error', { allowAsStatement: true }],
    },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    plugins: { 'react-hooks': reactHooks },
    rules: reactHooks.configs.recommended.rules,
  },
  {
    // Components never call GraphQL.
    files: ['src/chat/**', 'src/hooks/**', 'src/markdown/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: ['aws-amplify/api', 'aws-amplify/data', 'graphql'] },
      ],
    },
  },
  {
    // Playwright's fixtures take an object that they destructure, even when it is empty.
    files: ['tests/e2e/**', 'tests/examples/**'],
    rules: { 'no-empty-pattern': 'off' },
  },
);
