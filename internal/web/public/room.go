package public

import (
	"embed"

	"voted/internal/web/frame"
)

//go:embed templates/*.html
var templates embed.FS

// Options configures the room.
type Options struct {
	// EmbedFrom are the origins whose pages may show results in a frame; empty: none may.
	EmbedFrom []string
}

// Room has the public pages.
type Room struct {
	f         *frame.Frame
	pages     *frame.Templates
	embedFrom []string
	singles   singles
}

// New makes the room.
func New(f *frame.Frame, o Options) *Room {
	return &Room{f: f, pages: f.Templates("public", templates), embedFrom: o.EmbedFrom, singles: singles{all: map[string]single{}}}
}

// Routes are the pages of the room.
func (m *Room) Routes() []frame.Route {
	route := func(path string, serve frame.Serve) frame.Route {
		return frame.Route{Pattern: "GET /polls/{poll}" + path, Group: frame.Results, Serve: serve}
	}
	live, once := route("/live", m.live), route("/live.json", m.once)
	repeats, download := route("/repeats", m.repeats), route("/download/{file}", m.download)
	live.Background, once.Background, repeats.Background = true, true, true
	download.Background = true // caches may keep a file, so no admin's session goes on in it
	return []frame.Route{
		route("", m.results), live, once, repeats, route("/certificate", m.certificate), route("/screen", m.screen),
		route("/embed", m.embed), download,
	}
}
