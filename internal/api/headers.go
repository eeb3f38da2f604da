package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// ifMatch reads If-Match: one strong tag of a version, RFC 9110 §13.1.1. It returns 0 if
// the header is absent. Lists, weak tags and "*" are refused, since they do not name the
// one version that a ballot or a change is meant for.
func ifMatch(values []string) (uint32, error) {
	if len(values) == 0 {
		return 0, nil
	}
	v := values[0]
	if len(values) == 1 && len(v) > 2 && v[0] == '"' && v[len(v)-1] == '"' && '1' <= v[1] && v[1] <= '9' {
		if n, err := strconv.ParseUint(v[1:len(v)-1], 10, 32); err == nil {
			return uint32(n), nil
		}
	}
	if strings.HasPrefix(v, "W/") {
		return 0, malformed(`If-Match has a weak tag, most likely made by a proxy that compresses answers; send the version from the body in quotes: If-Match: "1".`)
	}
	return 0, malformed(`If-Match must be one version in quotes, as an ETag gave it: If-Match: "1".`)
}

// ifNoneMatch reports whether If-None-Match names the tag, by weak comparison
// (RFC 9110 §13.1.2). tag is written as in ETag.
func ifNoneMatch(values []string, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	for _, v := range values {
		for one := range strings.SplitSeq(v, ",") {
			one = strings.TrimSpace(one)
			if one == "*" || strings.TrimPrefix(one, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// preferredWait reads wait=N out of Prefer (RFC 7240). The first of several counts; one
// that cannot be read is ignored (§2).
func preferredWait(values []string) (wait time.Duration, ok bool) {
	for _, v := range values {
		for v != "" {
			var one string
			one, v = cutList(v)
			name, value, _ := strings.Cut(firstPart(one), "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			value = strings.TrimSpace(value)
			if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
				value = value[1 : len(value)-1]
			}
			return waitSeconds(value)
		}
	}
	return 0, false
}

// waitSeconds reads delta-seconds; more than an hour is as good as an hour.
func waitSeconds(s string) (time.Duration, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > maxWaitSeconds {
		n = maxWaitSeconds
	}
	return time.Duration(n) * time.Second, true
}

// cutList splits at the first comma outside quotes.
func cutList(s string) (first, rest string) { return cutOutsideQuotes(s, ',') }

// firstPart drops the parameters of a preference.
func firstPart(s string) string {
	first, _ := cutOutsideQuotes(s, ';')
	return first
}

func cutOutsideQuotes(s string, sep byte) (first, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '\\' && quoted:
			i++
		case s[i] == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// idempotencyKey reads Idempotency-Key: a quoted string as in
// draft-ietf-httpapi-idempotency-key-header-07, or what many clients send, the same
// without quotes. It returns "" if the header is absent.
func idempotencyKey(values []string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	key, ok := values[0], len(values) == 1
	if strings.HasPrefix(key, `"`) {
		var unquoted bool
		key, unquoted = unquote(key)
		ok = ok && unquoted
	} else {
		ok = ok && visible(key, poll.MaxKeyBytes) && !strings.ContainsAny(key, `"\,;`)
	}
	if !ok || key == "" || len(key) > poll.MaxKeyBytes {
		return "", malformed(`Idempotency-Key must be one quoted string of 1 to %d printable ASCII characters: Idempotency-Key: "8e03978e".`, poll.MaxKeyBytes)
	}
	return key, nil
}

// visible reports whether s is 1 to limit bytes of visible ASCII.
func visible(s string, limit int) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != "" && len(s) <= limit
}

// unquote reads a structured field string, RFC 9651 §3.3.3.
func unquote(s string) (string, bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"':
			return b.String(), i == len(s)-1
		case c == '\\':
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", false
			}
			b.WriteByte(s[i])
		case c < ' ' || c >= 0x7f:
			return "", false
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// contentType checks that a body has one of the media types that a route takes.
func contentType(r *http.Request, taken ...string) error {
	v := r.Header["Content-Type"]
	encoded := r.Header["Content-Encoding"]
	if len(v) == 1 && (len(encoded) == 0 || len(encoded) == 1 && (encoded[0] == "" || strings.EqualFold(encoded[0], "identity"))) {
		name, params, _ := strings.Cut(v[0], ";")
		for _, t := range taken {
			if strings.EqualFold(strings.TrimSpace(name), t) && utf8Only(params) {
				return nil
			}
		}
	}
	return refusal.New(refusal.UnsupportedMediaType, "Send the body as %s, in UTF-8 and without a Content-Encoding.", strings.Join(taken, " or "))
}

// utf8Only reports whether a media type's parameters name no other charset.
func utf8Only(params string) bool {
	if params == "" {
		return true
	}
	charset := charsetOf(params)
	return charset == "" || strings.EqualFold(charset, "utf-8")
}

// charsetOf returns the charset that a media type's parameters name, empty if they name
// none. If they name several, it returns the first one that is not UTF-8.
func charsetOf(params string) (charset string) {
	for p := range strings.SplitSeq(params, ";") {
		name, value, named := strings.Cut(p, "=")
		if !named || !strings.EqualFold(strings.TrimSpace(name), "charset") {
			continue
		}
		charset = strings.Trim(strings.TrimSpace(value), `"`)
		if charset == "" {
			return "(none)" // named, and left empty
		}
		if !strings.EqualFold(charset, "utf-8") {
			break
		}
	}
	return charset
}

// negotiate returns the first of the media types offered that the client
// accepts best (RFC 9110 §12.5.1), or a refusal.
func negotiate(r *http.Request, offered ...string) (string, error) {
	values := r.Header["Accept"]
	if len(values) == 0 || len(values) == 1 && (values[0] == "*/*" || values[0] == offered[0]) {
		return offered[0], nil
	}
	best, bestQ := "", 0.0
	for _, o := range offered {
		if q := quality(values, o); q > bestQ {
			best, bestQ = o, q
		}
	}
	if best == "" {
		return "", refusal.New(refusal.NotAcceptable, "This route answers with %s.", strings.Join(offered, " or "))
	}
	return best, nil
}

// quality returns how much the header wants a media type: the weight of the most
// specific range that covers it.
func quality(accept []string, mediaType string) float64 {
	whole, _, _ := strings.Cut(mediaType, "/")
	q, specificity := 0.0, -1
	for _, v := range accept {
		for v != "" {
			var one string
			one, v = cutList(v)
			name, params, _ := strings.Cut(one, ";")
			s := -1
			switch name = strings.TrimSpace(name); {
			case strings.EqualFold(name, mediaType):
				s = 2
			case strings.EqualFold(name, whole+"/*"):
				s = 1
			case name == "*/*":
				s = 0
			}
			if s > specificity {
				q, specificity = weight(params), s
			}
		}
	}
	return q
}

// weight reads the q parameter of a media range.
func weight(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || !(q >= 0 && q <= 1) {
				return 0
			}
			return q
		}
	}
	return 1
}
