// Package rollfile reads electoral rolls, one voter per line, in CSV and NDJSON. The
// API and the command line both use it, so a file means the same roll everywhere:
// anything unknown, misspelt or repeated is refused, never ignored.
package rollfile
