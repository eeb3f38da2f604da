// Package backup handles backups as files: it receives them, writes them whole or not
// at all, checks what they hold by counting again, and keeps a directory of them.
package backup
