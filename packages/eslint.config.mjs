import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/dist', '**/tests/installed'] },
  {
    files: ['*/{src,tests}/**/*.{ts,tsx}', '*/*.config.ts'],
    extends: [
      js.configs.recommended,
      ...tseslint.configs.strictTypeChecked,
      ...tseslint.configs.stylisticTypeChecked,
    ],
    languageOptions: {
      parserOptions: {
        project: ['./*/tsconfig.json', './*/tsconfig.ai-sdk.json', './*/tests/tsconfig.json'],
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
    // The client library knows no framework, and Amplify in one folder only.
    files: ['client/src/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: ['react', 'react-dom'], patterns: ['aws-amplify*', './amplify/*'] },
      ],
    },
  },
);
