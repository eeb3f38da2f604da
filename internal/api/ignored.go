package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"voted/internal/refusal"
)

// Parts of a request that a route would ignore are refused instead: a misspelt
// precondition guards nothing, and no one would notice.

// queryNames is the one table of the names that a route takes in its query, by route and
// method. HEAD is as GET. A test compares it with the reference document.
var queryNames = map[string]map[string][]string{
	"/v1/polls":                        {"GET": {"state", "page_size", "page_token"}},
	"/v1/polls/{poll}":                 {"GET": {"consistency"}},
	"/v1/polls/{poll}/ballots":         {"GET": {"format", "after", "limit"}},
	"/v1/polls/{poll}/results":         {"GET": {"consistency", "format"}},
	"/v1/polls/{poll}/ballots/{voter}": {"GET": {"consistency"}},
	"/v1/cluster/history":              {"GET": {"since"}},
	"/v1/polls/{poll}/roll":            {"PUT": {"since"}},
	"/v1/polls/{poll}/roll/{voter}":    {"DELETE": {"since"}},
	"/v1/events":                       {"GET": {"after", "limit", "types", "poll", "wait"}},
	"/v1/restore":                      {"POST": {"confirm", "sha256", "since"}},
	"/readyz":                          {"GET": {"verbose"}},
}

// switches are the names in a query that need no value.
var switches = []string{"verbose"}

// Which preconditions a route honours (RFC 9110 §13.1).
const (
	ifMatchTag      = 1 << iota // If-Match with one tag
	ifNoneMatchTags             // If-None-Match, for a cache
	ifNoneMatchAny              // If-None-Match: *, for a poll that must not exist yet
)

// preconditions is the one table of the preconditions that a route honours, by route and
// method. HEAD is as GET. Elsewhere If-Match and If-None-Match are refused.
var preconditions = map[string]map[string]int{
	"/v1/polls/{poll}": {
		"PUT": ifMatchTag | ifNoneMatchAny, "PATCH": ifMatchTag, "DELETE": ifMatchTag,
	},
	"/v1/webhooks/{id}":                {"PUT": ifMatchTag, "PATCH": ifMatchTag, "DELETE": ifMatchTag},
	"/v1/polls/{poll}/close":           {"POST": ifMatchTag},
	"/v1/polls/{poll}/ballots/{voter}": {"PUT": ifMatchTag, "GET": ifNoneMatchTags},
	"/v1/polls/{poll}/results":         {"GET": ifNoneMatchTags},
	"/v1/polls/{poll}/log/tile/{tile}": {"GET": ifNoneMatchTags},
	"/v1/polls/{poll}/log/definition":  {"GET": ifNoneMatchTags},
}

// heeded wraps an action, and refuses queries and preconditions that the action would
// ignore.
func heeded(template, method string, act action) action {
	names, honoured := queryNames[template][method], preconditions[template][method]
	return func(w *response, r *http.Request) error {
		if r.URL.RawQuery != "" {
			if err := checkQuery(r.URL.RawQuery, names); err != nil {
				return err
			}
		}
		if honoured&ifMatchTag == 0 && r.Header["If-Match"] != nil {
			return malformed("This route does not look at If-Match; leave it out, and know that nothing guards the request.")
		}
		if v := r.Header["If-None-Match"]; v != nil {
			if err := checkIfNoneMatch(v, honoured); err != nil {
				return err
			}
		}
		return act(w, r)
	}
}

func checkIfNoneMatch(values []string, honoured int) error {
	switch {
	case honoured&ifNoneMatchTags != 0:
		return nil
	case honoured&ifNoneMatchAny == 0:
		return malformed("This route does not look at If-None-Match; leave it out.")
	case len(values) != 1 || strings.TrimSpace(values[0]) != "*":
		return malformed("If-None-Match is * here, for a poll that must not be there yet, and nothing else.")
	}
	return nil
}

// checkQuery refuses a query with malformed pairs, or with unknown or repeated names:
// url.Values would drop malformed pairs, and the second value of a repeated name.
func checkQuery(raw string, names []string) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return malformed("The query cannot be read; separate NAME=VALUE pairs with &, and percent-encode what is special.")
	}
	for _, name := range sortedNames(values) {
		if !utf8.ValidString(name) || !utf8.ValidString(strings.Join(values[name], "")) {
			return malformed("The query is not UTF-8 behind its percent-encoding; write it in UTF-8.")
		}
		detail := ""
		switch {
		case !slices.Contains(names, name):
			detail = "This name is not known in the query here; leave it out, or correct its spelling."
			if len(names) > 0 {
				detail = "This name is not known in the query here, only " + strings.Join(names, ", ") + "; leave it out, or correct its spelling."
			}
		case len(values[name]) > 1:
			detail = "This name stands twice in the query; keep one."
		case values[name][0] == "" && !slices.Contains(switches, name):
			detail = "This name has no value in the query; give one, or leave it out."
		default:
			continue
		}
		e := malformed("The query is not one that this route takes.")
		e.Fields = []refusal.FieldError{{Field: name, Detail: detail}}
		return e
	}
	return nil
}

// sortedNames are the names in a query, in an order that does not change.
func sortedNames(values url.Values) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
