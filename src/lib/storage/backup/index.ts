/** Storage: backup of a whole workspace to one file, and back. */
export { checkBackup, restoreBackup } from './restore-backup';
export { writeBackup } from './write-backup';
