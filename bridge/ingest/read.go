package ingest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/client"
	"voted/internal/voterid"
)

// line is a line of the bulk route, which is the body of a message.
type line struct {
	Voter     *string `json:"voter"`
	IfVersion *uint64 `json:"if_version"`
	// Ballot is the rest, which client.Ballot reads as strictly as the service does.
	Ballot jsontext.Value `json:",embed"`
}

// read returns the ballot of a message, or why it can never be one.
func read(m Message) (client.BulkBallot, *client.Error) {
	var b client.BulkBallot
	body := m.Body()
	if len(body) > maxMessageBytes {
		return b, refuse(client.CodePayloadTooLarge, "A message has at most %d bytes, and this one has %d.", maxMessageBytes, len(body))
	}
	if !validPoll(m.Poll()) {
		return b, refuse(client.CodePollNotFound, "%q cannot be the id of a poll. %s", m.Poll(), "Publish to ballots.POLL, or to another subject of the stream with the header Voted-Poll.")
	}
	var l line
	if err := json.Unmarshal(body, &l); err != nil {
		return b, refuse(client.CodeMalformedRequest, "The message is no line of the bulk route: %v.", err)
	}
	if l.Voter == nil {
		return b, refuse(client.CodeMalformedRequest, `The message names no "voter".`)
	}
	if l.IfVersion != nil && *l.IfVersion == 0 {
		return b, refuse(client.CodeMalformedRequest, `"if_version" begins at 1; leave it out of a voter's first ballot.`)
	}
	voter, err := voterid.Canonical(*l.Voter)
	if err != nil {
		return b, refuse(client.CodeInvalidVoter, "%v", err)
	}
	if len(l.Ballot) == 0 {
		l.Ballot = jsontext.Value("{}")
	}
	if err := b.Ballot.UnmarshalJSON(l.Ballot); err != nil {
		var refused *client.Error
		if errors.As(err, &refused) {
			return b, refused
		}
		return b, refuse(client.CodeMalformedRequest, "%v", err)
	}
	b.Voter = voter
	if l.IfVersion != nil {
		b.IfVersion = *l.IfVersion
	}
	return b, nil
}

// validPoll reports whether a poll can have this id. Another one would be a path of its own.
func validPoll(id string) bool {
	if id == "" || len(id) > MaxPollBytes {
		return false
	}
	for i := range len(id) {
		c := id[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && (i == 0 || c != '.' && c != '_' && c != '~' && c != '-') {
			return false
		}
	}
	return true
}

func refuse(code client.Code, format string, args ...any) *client.Error {
	return &client.Error{Status: http.StatusUnprocessableEntity, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// problemOf renders a refusal as problem details (RFC 9457).
func problemOf(e *client.Error) []byte {
	b, err := json.Marshal(struct {
		Type   string      `json:"type"`
		Title  string      `json:"title,omitempty"`
		Status int         `json:"status,omitzero"`
		Detail string      `json:"detail,omitempty"`
		Code   client.Code `json:"code"`
	}{"/problems/" + string(e.Code), e.Title, e.Status, inShort(e.Detail), e.Code})
	if err != nil {
		panic(err) // strings that were read from JSON, and a detail that is UTF-8
	}
	return b
}

// inShort cuts a text that may quote a message, and makes it UTF-8.
func inShort(detail string) string {
	if len(detail) > maxDetailBytes {
		detail = detail[:maxDetailBytes] + "…"
	}
	return strings.ToValidUTF8(detail, "\uFFFD")
}
