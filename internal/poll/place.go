package poll

import (
	"strconv"
	"strings"
)

// A place in a request's body is written as a JSONPath (RFC 9535) without its "$.":
// options[1].id, ranking[0], scores["ann"]. This is the one notation of FieldError.Field.

// Item returns the place of an item of a list, counted from 0.
func Item(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// Key returns the place of the value that an object has under an id.
func Key(object, id string) string { return object + "[" + strconv.Quote(shortened(id)) + "]" }

// Member returns the place of a member of an object; object is empty for the body itself.
func Member(object, name string) string {
	switch {
	case !plainName(name):
		return Key(object, name)
	case object == "":
		return name
	}
	return object + "." + name
}

// plainName reports whether a name can stand without quotes.
func plainName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= MaxIDBytes
}

// shortened cuts a string that is too long for an id, so that no answer repeats a body.
func shortened(s string) string {
	if len(s) <= MaxIDBytes+len("…") {
		return s
	}
	return strings.ToValidUTF8(s[:MaxIDBytes], "") + "…"
}
