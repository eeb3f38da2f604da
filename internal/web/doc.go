// Package web serves pages for people: it splits the public port between the API and the pages, and puts the rooms
// together. Pages are a client of the API within the same process; see package frame.
package web
