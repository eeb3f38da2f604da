package closedloop

import (
	"fmt"
	"strconv"
)

// request is the bytes of one PUT, with the places of its numbers.
type request struct {
	bytes []byte
	poll  []byte // part of bytes; nil: the poll has no number
	voter []byte // part of bytes; nil: a poll is created, no ballot cast
}

// newRequest makes the PUT of a ballot. numbered: a number follows the poll's id.
func newRequest(host, poll string, numbered bool, prefix, selection string) *request {
	r := &request{}
	r.text("PUT /v1/polls/" + poll)
	pollAt := len(r.bytes)
	if numbered {
		r.text(zeros)
	}
	r.text("/ballots/" + prefix)
	voterAt := len(r.bytes)
	r.text(zeros)
	r.body(host, ballot(selection))
	if numbered {
		r.poll = r.bytes[pollAt : pollAt+digits]
	}
	r.voter = r.bytes[voterAt : voterAt+digits]
	return r
}

// newCreation makes the PUT of a poll.
func newCreation(host, poll, definition string) *request {
	r := &request{}
	r.text("PUT /v1/polls/" + poll)
	pollAt := len(r.bytes)
	r.text(zeros)
	r.body(host, definition)
	r.poll = r.bytes[pollAt : pollAt+digits]
	return r
}

// zeros is the place of a number.
var zeros = fmt.Sprintf("%0*d", digits, 0)

func (r *request) text(s string) { r.bytes = append(r.bytes, s...) }

// body ends the request line and adds what follows it.
func (r *request) body(host, body string) {
	r.text(" HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body)
}

// as writes a number into the request. With several polls a ballot goes to one
// that the number scatters it to; where a poll is created it is the poll's own.
func (r *request) as(n, polls uint64) []byte {
	if r.voter == nil {
		writeNumber(r.poll, n)
		return r.bytes
	}
	writeNumber(r.voter, n)
	if r.poll != nil {
		writeNumber(r.poll, scatter(n)%polls)
	}
	return r.bytes
}

// scatter is the finisher of SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast
// Splittable Pseudorandom Number Generators", 2014): neighbours land far apart.
func scatter(n uint64) uint64 {
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

func ballot(selection string) string { return `{"selections":["` + selection + `"]}` }

// Number writes a voter's number as it follows the prefix of a load.
func Number(n uint64) string {
	b := []byte(zeros)
	writeNumber(b, n)
	return string(b)
}

// writeNumber fills dst with the decimal digits of n, with leading zeros.
func writeNumber(dst []byte, n uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
}

// lines is a block of bulk lines, all of one length.
type lines struct {
	bytes  []byte
	length int // of one line
	at     int // of the number in its line
}

func newLines(prefix, selection string) *lines {
	head := `{"voter":"` + prefix
	line := head + zeros + `",` + ballot(selection)[1:] + "\n"
	l := &lines{length: len(line), at: len(head)}
	for range linesPerWrite {
		l.bytes = append(l.bytes, line...)
	}
	return l
}

// from returns the lines of n voters, at most linesPerWrite, counted from one.
func (l *lines) from(voter uint64, n int) []byte {
	for i := range n {
		at := i*l.length + l.at
		writeNumber(l.bytes[at:at+digits], voter+uint64(i))
	}
	return l.bytes[:n*l.length]
}
