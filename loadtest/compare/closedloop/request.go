package closedloop

import (
	"fmt"
	"strconv"
)

// request is the bytes of one PUT of a ballot, with the place of the voter's number.
type request struct {
	bytes  []byte
	number []byte // part of bytes
}

func newRequest(host, poll, prefix, selection string) *request {
	body := ballot(selection)
	path := "/v1/polls/" + poll + "/ballots/" + prefix
	head := "PUT " + path
	rest := " HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body
	r := &request{bytes: []byte(head + fmt.Sprintf("%0*d", digits, 0) + rest)}
	r.number = r.bytes[len(head) : len(head)+digits]
	return r
}

func ballot(selection string) string { return `{"selections":["` + selection + `"]}` }

// as writes a voter's number into the request.
func (r *request) as(voter uint64) []byte {
	writeNumber(r.number, voter)
	return r.bytes
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
	line := head + fmt.Sprintf("%0*d", digits, 0) + `",` + ballot(selection)[1:] + "\n"
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
