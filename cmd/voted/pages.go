package main

import (
	"time"

	"voted/internal/server"
)

// pageFlags are the flags of server.Pages.
type pageFlags struct {
	Pages string        `help:"Pages for people on the API's port: all (the default), none, or some of vote,results,manage,console." placeholder:"WHICH"`
	HSTS  time.Duration `help:"How long browsers are told to come under TLS only, such as 8760h (default: they are not told)." placeholder:"DURATION" name:"hsts"`

	EmbedFrom []string `help:"Origin of pages that may show results of polls for everybody in a frame, such as https://www.example.org; repeatable (default none)." placeholder:"URL"`
}

func (f pageFlags) options() server.Pages {
	return server.Pages{Pages: f.Pages, HSTS: f.HSTS, EmbedFrom: f.EmbedFrom}
}
