package trace

import (
	"net/http"
	"strings"
	"testing"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTraceparentsAreReadAsW3CTraceContextSays(t *testing.T) {
	t.Parallel()
	c, ok := ParseTraceparent(parent)
	if !ok || !c.Sampled || c.Trace.String() != "0af7651916cd43dd8448eb211c80319c" || c.Traceparent() != parent {
		t.Errorf("got %+v, written %s", c, c.Traceparent())
	}
	for name, v := range map[string]struct {
		header      string
		ok, sampled bool
	}{
		"not sampled":              {parent[:53] + "00", true, false},
		"other flags":              {parent[:53] + "fe", true, false},
		"sampled among others":     {parent[:53] + "ff", true, true},
		"a later version":          {"01" + parent[2:], true, true},
		"a later version, longer":  {"01" + parent[2:] + "-what-follows", true, true},
		"version ff":               {"ff" + parent[2:], false, false},
		"version 00, longer":       {parent + "-more", false, false},
		"a later version, run on":  {"01" + parent[2:] + "x", false, false},
		"uppercase":                {strings.ToUpper(parent), false, false},
		"no trace id":              {"00-" + strings.Repeat("0", 32) + parent[35:], false, false},
		"no span id":               {parent[:36] + strings.Repeat("0", 16) + parent[52:], false, false},
		"too short":                {parent[:54], false, false},
		"empty":                    {"", false, false},
		"no dashes":                {strings.ReplaceAll(parent, "-", "_"), false, false},
		"what is no digit":         {strings.Replace(parent, "a", "g", 1), false, false},
		"a version that is none":   {"0g" + parent[2:], false, false},
		"flags that are none":      {parent[:53] + "0g", false, false},
		"blanks around it":         {" " + parent, false, false},
		"bytes that are no text":   {strings.Replace(parent, "a", "\xff", 1), false, false},
		"two headers in one line":  {parent + "," + parent, false, false},
		"a version of one digit":   {parent[1:], false, false},
		"an id of another length":  {"00-0af7-b7ad6b7169203331-01", false, false},
		"a date that looks alike":  {"2026-11-27T09:18:00Z-000000000000000000000000000000000", false, false},
		"dashes all the way along": {strings.Repeat("-", 55), false, false},
	} {
		c, ok := ParseTraceparent(v.header)
		if ok != v.ok || c.Sampled != v.sampled || !ok && c != (SpanContext{}) {
			t.Errorf("%s: %v, %+v", name, ok, c)
		}
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add(parent)
	f.Add("01" + parent[2:] + "-x")
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := ParseTraceparent(s)
		if !ok {
			return
		}
		again, ok := ParseTraceparent(c.Traceparent())
		if !ok || again != c {
			t.Errorf("%q was read as %+v, and that as %+v", s, c, again)
		}
	})
}

func TestATracestateIsPassedOnUnlessItIsUnfit(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		state []string
		want  string
	}{
		{nil, ""},
		{[]string{"a=1"}, "a=1"},
		{[]string{"a=1", "b=2"}, "a=1,b=2"},
		{[]string{strings.Repeat("x", 513)}, ""},
		{[]string{"a=1\x01"}, ""},
		{[]string{"a=é"}, ""},
	} {
		out := http.Header{}
		Parent(http.Header{HeaderParent: {parent}, HeaderState: v.state}).Set(out)
		if out.Get("tracestate") != v.want || out.Get("traceparent") != parent {
			t.Errorf("%q was passed on as %v", v.state, out)
		}
	}
	for name, h := range map[string]http.Header{
		"none": {}, "two": {HeaderParent: {parent, parent}}, "not sampled": {HeaderParent: {parent[:53] + "00"}},
	} {
		out := http.Header{}
		if Parent(h).Set(out); len(out) != 0 {
			t.Errorf("%s: %v", name, out)
		}
	}
}
