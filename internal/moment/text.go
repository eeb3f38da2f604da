package moment

import "time"

// AppendText appends a time in milliseconds since the Unix epoch as everything that is sent
// has it: RFC 3339 in UTC with milliseconds.
func AppendText(b []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
}
