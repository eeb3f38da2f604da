package api

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/internal/refusal"

	"github.com/go-json-experiment/json"
	"github.com/gorilla/mux"
)

type object = map[string]any

// document is the reference, read for checking responses against it.
type document struct {
	root   object
	routes []documented
}

type documented struct {
	template string
	match    *regexp.Regexp
	methods  object
}

var theDocument = sync.OnceValues(func() (*document, error) {
	var text []byte
	for line := range bytes.Lines(reference) {
		if !bytes.HasPrefix(line, []byte("#")) {
			text = append(text, line...)
		}
	}
	d := &document{}
	if err := json.Unmarshal(text, &d.root); err != nil {
		return nil, err
	}
	variable := regexp.MustCompile(`\\\{[a-z]+\\\}`)
	for template, methods := range d.root["paths"].(object) {
		expr := strings.ReplaceAll(regexp.QuoteMeta(template), `\{tile\}`, `.+`) // its name has slashes
		expr = variable.ReplaceAllString(expr, `[^/]+`)
		d.routes = append(d.routes, documented{template, regexp.MustCompile("^" + expr + "$"), methods.(object)})
	}
	return d, nil
})

func theReference(t testing.TB) *document {
	t.Helper()
	d, err := theDocument()
	if err != nil {
		t.Fatalf("openapi.yaml cannot be read: %v", err)
	}
	return d
}

// resolve follows a $ref.
func (d *document) resolve(v any) object {
	o, _ := v.(object)
	for {
		ref, ok := o["$ref"].(string)
		if !ok {
			return o
		}
		var at any = d.root
		for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			at = at.(object)[name]
		}
		next, ok := at.(object)
		if !ok {
			panic("openapi.yaml: nothing at " + ref)
		}
		o = next
	}
}

// check returns in what a response differs from what is documented.
func (d *document) check(method, path string, resp *http.Response, body []byte) (faults []string) {
	documented, fault := d.response(method, path, resp.StatusCode)
	if fault != "" {
		return []string{fault}
	}
	faults = d.checkHeaders(documented, resp.Header)
	content, _ := documented["content"].(object)
	declared := resp.Header.Get("Content-Type")
	if method == "HEAD" {
		return faults
	}
	if content == nil {
		if len(body) > 0 {
			faults = append(faults, "a body is not documented")
		}
		return faults
	}
	mediaType, _, _ := mime.ParseMediaType(declared)
	media, ok := content[mediaType].(object)
	if !ok {
		return append(faults, fmt.Sprintf("the content type %q is not documented", declared))
	}
	return append(faults, d.checkBody(mediaType, media["schema"], body)...)
}

func (d *document) response(method, path string, status int) (object, string) {
	path, _, _ = strings.Cut(path, "?")
	shared := d.root["components"].(object)["responses"].(object)
	// What the document says about all routes, at its beginning.
	switch {
	case status == http.StatusMisdirectedRequest:
		return shared["Problem"].(object), ""
	case method == http.MethodOptions && status == http.StatusNoContent:
		return shared["Preflight"].(object), ""
	}
	for _, route := range d.routes {
		if !route.match.MatchString(path) {
			continue
		}
		if method == "HEAD" {
			method = "GET"
		}
		operation, ok := route.methods[strings.ToLower(method)].(object)
		if !ok {
			if status == http.StatusForbidden { // of a page: nothing else was looked at
				return shared["Problem"].(object), ""
			}
			if status != http.StatusMethodNotAllowed {
				return nil, "the method is not documented"
			}
			return shared["MethodNotAllowed"].(object), ""
		}
		r, ok := operation["responses"].(object)[fmt.Sprint(status)]
		if !ok {
			return nil, fmt.Sprintf("status %d is not documented", status)
		}
		return d.resolve(r), ""
	}
	if status != http.StatusNotFound && status != http.StatusForbidden {
		return nil, "the path is not documented"
	}
	return shared["Problem"].(object), ""
}

// plumbing are header fields that every HTTP message may have.
var plumbing = []string{
	"Content-Type", "Content-Length", "X-Content-Type-Options", "Date", "Connection", "Transfer-Encoding",
	// Of CORS, for pages of other origins.
	"Vary", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
}

func (d *document) checkHeaders(documented object, got http.Header) (faults []string) {
	if got.Get("X-Content-Type-Options") != "nosniff" {
		faults = append(faults, "X-Content-Type-Options: nosniff is missing")
	}
	headers, _ := documented["headers"].(object)
	known := map[string]bool{}
	for name, h := range headers {
		name = http.CanonicalHeaderKey(name)
		known[name] = true
		o := d.resolve(h)
		values, present := got[name]
		if !present {
			if o["required"] == true {
				faults = append(faults, "the header "+name+" is missing")
			}
			continue
		}
		for _, v := range values {
			faults = append(faults, d.value("header "+name, o["schema"], v)...)
		}
	}
	for name := range got {
		if !known[name] && !slices.Contains(plumbing, name) {
			faults = append(faults, "the header "+name+" is not documented")
		}
	}
	return faults
}

func (d *document) checkBody(mediaType string, schema any, body []byte) (faults []string) {
	texts := [][]byte{body}
	switch mediaType {
	case mediaNDJSON:
		texts = bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
		if len(body) == 0 {
			return nil
		}
	case mediaJSON, mediaProblem:
	default:
		return nil
	}
	for _, text := range texts {
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			faults = append(faults, "the body is no JSON: "+err.Error())
			continue
		}
		faults = append(faults, d.value("body", schema, v)...)
	}
	return faults
}

// value checks a JSON value against the part of JSON Schema that the document uses.
func (d *document) value(at string, schema, v any) (faults []string) {
	s := d.resolve(schema)
	wrong := func(format string, args ...any) { faults = append(faults, at+": "+fmt.Sprintf(format, args...)) }
	for keyword := range s {
		if !slices.Contains(understood, keyword) {
			wrong("the checker does not understand %q", keyword)
		}
	}
	if c, ok := s["const"]; ok && c != v {
		wrong("%v is not %v", v, c)
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, v) {
		wrong("%v is none of %v", v, enum)
	}
	if one, ok := s["oneOf"].([]any); ok {
		fits := 0
		for _, alternative := range one {
			if d.value(at, alternative, v) == nil {
				fits++
			}
		}
		if fits != 1 {
			wrong("%v fits %d alternatives, not one", v, fits)
		}
	}
	if t, ok := s["type"].(string); ok && t != typeOf(v) && !(t == "number" && typeOf(v) == "integer") {
		wrong("%v is %s, not %s", v, typeOf(v), t)
		return faults
	}
	switch v := v.(type) {
	case object:
		faults = append(faults, d.members(at, s, v)...)
	case []any:
		if most, ok := s["maxItems"].(float64); ok && float64(len(v)) > most {
			wrong("%d items are more than %v", len(v), most)
		}
		if least, ok := s["minItems"].(float64); ok && float64(len(v)) < least {
			wrong("%d items are fewer than %v", len(v), least)
		}
		for i, item := range v {
			if items, ok := s["items"]; ok {
				faults = append(faults, d.value(fmt.Sprintf("%s[%d]", at, i), items, item)...)
			}
		}
	case string:
		faults = append(faults, text(at, s, v)...)
	case float64:
		if least, ok := s["minimum"].(float64); ok && v < least {
			wrong("%v is less than %v", v, least)
		}
	}
	return faults
}

var understood = []string{
	"type", "properties", "required", "additionalProperties", "enum", "const", "items", "oneOf", "pattern", "format",
	"minimum", "minLength", "maxLength", "minItems", "maxItems", "description",
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case object:
		return "object"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
	}
	return "number"
}

func (d *document) members(at string, s, v object) (faults []string) {
	properties, _ := s["properties"].(object)
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			faults = append(faults, fmt.Sprintf("%s: %v is missing", at, name))
		}
	}
	for name, member := range v {
		schema, ok := properties[name]
		if !ok {
			switch additional := s["additionalProperties"].(type) {
			case bool:
				if !additional {
					faults = append(faults, at+": "+name+" is not documented")
				}
				continue
			case object:
				schema = additional
			default:
				continue
			}
		}
		faults = append(faults, d.value(at+"."+name, schema, member)...)
	}
	return faults
}

func text(at string, s object, v string) (faults []string) {
	if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v) {
		faults = append(faults, fmt.Sprintf("%s: %q does not match %s", at, v, p))
	}
	if s["format"] == "date-time" {
		if _, err := time.Parse(time.RFC3339Nano, v); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %q is no date-time", at, v))
		}
	}
	return faults
}

func TestTheReferenceDocumentsExactlyTheRoutesServed(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	d := theReference(t)
	served := map[string]bool{}
	err := g.h.router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		e := route.GetHandler().(routed)
		for method := range e.actions {
			if method != "HEAD" {
				served[method+" "+e.template] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range d.routes {
		for method := range route.methods {
			name := strings.ToUpper(method) + " " + route.template
			if !served[name] {
				t.Errorf("%s is documented and not served", name)
			}
			delete(served, name)
		}
	}
	for name := range served {
		t.Errorf("%s is served and not documented", name)
	}
}

func TestTheReferenceListsEveryCode(t *testing.T) {
	t.Parallel()
	enum := theReference(t).root["components"].(object)["schemas"].(object)["Code"].(object)["enum"].([]any)
	for _, code := range refusal.Codes() {
		if !slices.Contains(enum, any(code.String())) {
			t.Errorf("%s is not in the reference", code)
		}
	}
	if len(enum) != len(refusal.Codes()) {
		t.Errorf("the reference lists %d codes, there are %d", len(enum), len(refusal.Codes()))
	}
}

func TestTheReferenceListsEveryReason(t *testing.T) {
	t.Parallel()
	enum := theReference(t).root["components"].(object)["schemas"].(object)["Reason"].(object)["enum"].([]any)
	for _, reason := range refusal.Reasons() {
		if !slices.Contains(enum, any(reason.String())) {
			t.Errorf("%s is not in the reference", reason)
		}
	}
	if len(enum) != len(refusal.Reasons()) {
		t.Errorf("the reference lists %d reasons, there are %d", len(enum), len(refusal.Reasons()))
	}
}

func TestEveryRefInTheReferenceLeadsSomewhere(t *testing.T) {
	t.Parallel()
	d := theReference(t)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			d.resolve(v)
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(d.root)
}

func TestTheCheckerRefusesWhatIsNotDocumented(t *testing.T) {
	t.Parallel()
	d := theReference(t)
	header := http.Header{
		"X-Content-Type-Options": {"nosniff"}, "Voted-Node": {"n1"}, "Voted-Index": {"1"}, "X-Request-Id": {"x"}, "Content-Type": {mediaJSON},
	}
	const receipt = `{"poll":"p","voter":"v","outcome":"counted","version":1,"ballot":1,"index":1,"cast_at":"2026-12-01T12:00:00.000Z"}`
	for _, c := range []struct {
		name, path string
		status     int
		body       string
		ok         bool
	}{
		{"a receipt passes", "/v1/polls/p/ballots/v", 200, receipt, true},
		{"a member too many is found", "/v1/polls/p/ballots/v", 200, receipt[:len(receipt)-1] + `,"more":1}`, false},
		{"a missing member is found", "/v1/polls/p/ballots/v", 200, `{"poll":"p"}`, false},
		{"a wrong type is found", "/v1/polls/p/ballots/v", 200, strings.Replace(receipt, `"version":1`, `"version":"1"`, 1), false},
		{"an unknown outcome is found", "/v1/polls/p/ballots/v", 200, strings.Replace(receipt, "counted", "lost", 1), false},
		{"a time without milliseconds is found", "/v1/polls/p/ballots/v", 200, strings.Replace(receipt, ".000", "", 1), false},
		{"an undocumented status is found", "/v1/polls/p/ballots/v", 418, receipt, false},
		{"an undocumented path is found", "/v2/polls", 200, receipt, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			faults := d.check("GET", c.path, &http.Response{StatusCode: c.status, Header: header}, []byte(c.body))
			if (len(faults) == 0) != c.ok {
				t.Errorf("faults: %v", faults)
			}
		})
	}
}
