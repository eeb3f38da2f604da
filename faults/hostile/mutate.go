package hostile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// mutate returns a copy of a valid input with one to four changes.
func mutate(r *rand.Rand, valid []byte) []byte {
	b := bytes.Clone(valid)
	for range 1 + r.IntN(4) {
		at := 0
		if len(b) > 0 {
			at = r.IntN(len(b))
		}
		switch r.IntN(7) {
		case 0: // flip a bit
			if len(b) > 0 {
				b[at] ^= 1 << r.IntN(8)
			}
		case 1: // put any byte in its place
			if len(b) > 0 {
				b[at] = byte(r.Uint32())
			}
		case 2: // cut the rest off
			b = b[:at]
		case 3: // take a part out
			end := min(len(b), at+1+r.IntN(8))
			b = append(b[:at:at], b[end:]...)
		case 4: // repeat a part
			end := min(len(b), at+1+r.IntN(32))
			part := bytes.Repeat(b[at:end], 1+r.IntN(50))
			b = append(append(b[:at:at], part...), b[end:]...)
		case 5: // put in something nasty
			part := nasty[r.IntN(len(nasty))]
			b = append(append(b[:at:at], part...), b[at:]...)
		case 6: // put in any bytes
			part := make([]byte, r.IntN(24))
			for i := range part {
				part[i] = byte(r.Uint32())
			}
			b = append(append(b[:at:at], part...), b[at:]...)
		}
	}
	return b
}

// nasty is text that decoders are known to fail on.
var nasty = []string{
	"\x00", "\ufeff", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", `\ud800`, `\u0000`, "\u202e", "1e999", "-0", "1e-400",
	"18446744073709551616", "-9223372036854775809", "NaN", "Infinity", "null", "true", "[]", "{}", `""`, `{"":""}`,
	strings.Repeat("[", 5000), strings.Repeat(`{"a":`, 3000), strings.Repeat("9", 400), strings.Repeat("a", 70_000),
	`"selections":["a"],`, `"__proto__":{},`, "\r\n\r\n", "\n", "\r", "%00", "%2e%2e%2f", "../", "\\", "'", "\"", "${jndi:x}", "\t",
}

// duplicateKeys returns an object that has one key up to a thousand times, or one long key.
func duplicateKeys(r *rand.Rand) []byte {
	if r.IntN(2) == 0 {
		return []byte(`{"` + strings.Repeat("k", 1+r.IntN(200_000)) + `":1}`)
	}
	var b bytes.Buffer
	b.WriteString("{")
	for i := range 1 + r.IntN(1000) {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, `"selections":["a"]`)
	}
	b.WriteString("}")
	return b.Bytes()
}

// printable changes a text so that it can stand in a header.
func printable(b []byte) string {
	b = bytes.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, b)
	return string(b[:min(len(b), 6000)])
}
