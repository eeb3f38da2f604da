package api

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
)

// placeOf writes a place in a body in the notation of errors[].field. A number that
// follows a name is a position in a list; the body itself is an object.
func placeOf(pointer jsontext.Pointer) string {
	place, named := "", false
	for token := range pointer.Tokens() {
		i, err := strconv.ParseUint(token, 10, 31)
		if named && err == nil {
			place, named = poll.Item(place, int(i)), false
			continue
		}
		place, named = poll.Member(place, token), true
	}
	return place
}
