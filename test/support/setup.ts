import { afterAll } from 'vitest';
import { undoAll } from './cleanup.ts';

// Vitest runs this before each test file, also where files share the modules they import.
afterAll(undoAll);
