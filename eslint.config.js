import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** A room imports from floors below it. `test/tidy` holds the exact check. */
const nothingFrom = (...rooms) =>
  rooms.map((room) => ({
    regex: `^(\\.\\./)+${room}/`,
    message: `A room imports from floors below it (docs/architecture.md): this one must not know ${room}/.`,
  }));

const pureRoom = {
  // luxon is allowed, a calendar that is asked about times that are handed in, and zod, which rules describe
  // their keys with.
  regex: '^(node:|kafkajs|@nats-io/|pino)',
  message: 'This room is pure: no node module, no clock, no client.',
};

const restrictImports = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', '.cache/', '.tidemark/', 'out/', 'coverage/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: false, allowAny: false },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      // A port's method is async for the sake of the adapters that need it.
      '@typescript-eslint/require-await': 'off',
      // `type` for data and `interface` for ports are both used, on purpose.
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 20],
      eqeqeq: 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-console': 'off',
    },
  },
  {
    files: ['bin/*.js'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', exports: 'writable', __dirname: 'readonly', setTimeout: 'readonly' },
    },
  },
  {
    // An old Node must get as far as the sentence that says that it is too old.
    files: ['bin/tidemark.js'],
    languageOptions: { ecmaVersion: 2015 },
  },
  {
    files: ['**/*.js'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', Buffer: 'readonly' },
    },
  },
  {
    files: ['journal/**/*.ts'],
    rules: restrictImports(...nothingFrom('actors', 'src', 'test', 'scripts', 'bench')),
  },
  {
    files: ['journal/port.ts'],
    rules: restrictImports(pureRoom, ...nothingFrom('actors', 'src', 'test', 'scripts', 'bench')),
  },
  {
    files: ['actors/**/*.ts'],
    rules: restrictImports(pureRoom, ...nothingFrom('src', 'test', 'scripts', 'bench')),
  },
  {
    files: ['src/**/*.ts', 'sim/**/*.ts'],
    rules: {
      ...restrictImports(...nothingFrom('test', 'scripts', 'bench')),
      'no-restricted-syntax': [
        'error',
        {
          selector: "MemberExpression[object.name='process'][property.name='env']",
          message: 'Only src/app/compose.ts reads the environment.',
        },
      ],
    },
  },
  { files: ['src/app/compose.ts'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'servers/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      // A test asserts on what it has just made; the assertion itself is the check.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
