// Package public has the pages that show how a poll stands and how it ended: results with their charts and tables, a
// screen for a hall, a page for frames of other sites, the certificate of a closed poll, and downloads.
//
// They are for everybody where the audience of a poll is anyone. Otherwise the API lets in whoever may read the poll;
// these pages decide nothing.
package public
