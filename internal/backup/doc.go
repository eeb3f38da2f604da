// Package backup handles backup files: it receives them, writes them whole or not at all,
// checks them by counting every poll again, and keeps a directory of them.
package backup
