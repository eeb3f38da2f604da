package frame

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Style sheets of rooms are joined into one, app.css, after base.css. Scripts are served as they are.
//
//go:embed assets
var assetFiles embed.FS

// asset is a file as it is served.
type asset struct {
	kind  string // Content-Type
	hash  string // the first 12 hexadecimal digits of its SHA-256
	plain []byte
	gzip  []byte
}

// assets are by name.
type assets map[string]asset

func readAssets() assets {
	all := assets{}
	sheets := [][]byte{read("assets/css/base.css")}
	for _, name := range names("assets/css/*.css") {
		if path.Base(name) != "base.css" {
			sheets = append(sheets, read(name))
		}
	}
	all.add("app.css", "text/css; charset=utf-8", lean(bytes.Join(sheets, []byte("\n"))))
	for _, name := range names("assets/js/*.js") {
		all.add(path.Base(name), "text/javascript; charset=utf-8", read(name))
	}
	all.add("icon.svg", "image/svg+xml", read("assets/icon.svg"))
	return all
}

var (
	comments = regexp.MustCompile(`(?s)/\*.*?\*/`)
	indents  = regexp.MustCompile(`\n\s*`)
)

// lean takes what is for readers of the sources out of a style sheet: a tenth of what a phone loads. No sheet has a
// string with a comment's signs or a line's end in it.
func lean(sheet []byte) []byte {
	return indents.ReplaceAll(comments.ReplaceAll(sheet, nil), []byte("\n"))
}

func names(pattern string) []string {
	found, err := fs.Glob(assetFiles, pattern)
	if err != nil {
		panic("frame: " + err.Error())
	}
	return found
}

func read(name string) []byte {
	b, err := assetFiles.ReadFile(name)
	if err != nil {
		panic("frame: " + err.Error())
	}
	return b
}

func (a assets) add(name, kind string, b []byte) {
	hash := sha256.Sum256(b)
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is one
	_, _ = w.Write(b)                                          // to memory
	_ = w.Close()
	a[name] = asset{kind: kind, hash: hex.EncodeToString(hash[:6]), plain: b, gzip: packed.Bytes()}
}

// url is the path of an asset. It names its content, so browsers keep it forever.
func (a assets) url(name string) string {
	one, ok := a[name]
	if !ok {
		panic("frame: there is no asset " + name)
	}
	return "/assets/" + one.hash + "/" + name
}

// AssetRoute serves the assets.
func (f *Frame) AssetRoute() Route {
	return Route{Pattern: "GET /assets/{hash}/{name}", Group: Common, Serve: f.serveAsset, Background: true}
}

// serveAsset serves an asset under any hash: during an upgrade a page of one node asks another one for what that one has
// in another version. Only under its own hash may it be kept.
func (f *Frame) serveAsset(w http.ResponseWriter, r *http.Request) error {
	one, ok := f.assets[r.PathValue("name")]
	if !ok {
		return &Problem{Status: http.StatusNotFound, Code: "not_found"}
	}
	header := w.Header()
	header.Set("Content-Type", one.kind)
	header.Set("Vary", "Accept-Encoding")
	header.Set("Cache-Control", "no-cache")
	if one.hash == r.PathValue("hash") {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := one.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		header.Set("Content-Encoding", "gzip")
		body = one.gzip
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a browser that has gone away gets nothing
	return nil
}
