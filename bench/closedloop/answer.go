package closedloop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// answers reads the responses of one keep-alive connection, one at a time: a
// request is sent only after the answer before it, so nothing may follow one.
type answers struct {
	from io.Reader
	buf  []byte
}

func newAnswers(from io.Reader) *answers { return &answers{from: from, buf: make([]byte, answerBytes)} }

var (
	headEnd      = []byte("\r\n\r\n")
	lengthHeader = []byte("\r\ncontent-length:")
	closeHeader  = []byte("\r\nconnection: close")
	counted      = []byte(`"outcome":"counted"`)
	// replayed is an acknowledgement too, even of a ballot that was sent once: after an
	// election a node submits ballots again whose outcome it does not know.
	replayed = []byte(`"outcome":"replayed"`)
	// outcomeUnknown says that the ballot may have been counted or not.
	outcomeUnknown = []byte(`"outcome_unknown"`)
	// givenUp is in the line with which a node ends a stream of answers early.
	givenUp = []byte(`"retry_from_line"`)
)

// next reads one answer. The body is valid until the next call.
func (a *answers) next() (status int, body []byte, err error) {
	n, head := 0, -1
	for head < 0 {
		k, err := a.more(n)
		if err != nil {
			return 0, nil, err
		}
		from := max(0, n-len(headEnd)+1)
		n += k
		if at := bytes.Index(a.buf[from:n], headEnd); at >= 0 {
			head = from + at
		}
	}
	status, length, err := parseHead(a.buf[:head])
	if err != nil {
		return 0, nil, err
	}
	start := head + len(headEnd)
	end := start + length
	if end > len(a.buf) {
		return 0, nil, fmt.Errorf("an answer of %d bytes is longer than one to a single ballot can be", length)
	}
	for n < end {
		k, err := a.more(n)
		if err != nil {
			return 0, nil, err
		}
		n += k
	}
	if n > end {
		return 0, nil, errors.New("the server sent more than the answer to its request")
	}
	return status, a.buf[start:end], nil
}

// more reads what follows the first n bytes.
func (a *answers) more(n int) (int, error) {
	if n == len(a.buf) {
		return 0, errors.New("the headers of an answer are too long")
	}
	k, err := a.from.Read(a.buf[n:])
	if k > 0 {
		return k, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return 0, fmt.Errorf("the connection broke before the answer: %w", err)
}

// parseHead reads the status and the length of the body off the headers.
func parseHead(head []byte) (status, length int, err error) {
	const statusAt, statusEnd = len("HTTP/1.1 "), len("HTTP/1.1 201")
	if len(head) < statusEnd || !bytes.HasPrefix(head, []byte("HTTP/1.1 ")) {
		return 0, 0, fmt.Errorf("this is no HTTP/1.1 answer: %.40q", head)
	}
	if status, err = strconv.Atoi(string(head[statusAt:statusEnd])); err != nil {
		return 0, 0, fmt.Errorf("this is no HTTP status: %.40q", head)
	}
	value, ok := header(head, lengthHeader)
	if !ok {
		return 0, 0, errors.New("an answer names no Content-Length")
	}
	if length, err = strconv.Atoi(string(value)); err != nil || length < 0 {
		return 0, 0, fmt.Errorf("Content-Length %q is no number", value)
	}
	if _, closing := header(head, closeHeader); closing {
		return 0, 0, errors.New("the server closes a connection that should be kept")
	}
	return status, length, nil
}

// header finds the rest of the line that begins with name, which is in lower case
// and begins with a line break.
func header(head, name []byte) ([]byte, bool) {
	for at := 0; ; {
		i := bytes.IndexByte(head[at:], '\r')
		if i < 0 || at+i+len(name) > len(head) {
			return nil, false
		}
		at += i
		if bytes.EqualFold(head[at:at+len(name)], name) {
			value := head[at+len(name):]
			if end := bytes.IndexByte(value, '\r'); end >= 0 {
				value = value[:end]
			}
			return bytes.TrimSpace(value), true
		}
		at++
	}
}
