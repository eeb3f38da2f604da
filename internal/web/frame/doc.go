// Package frame is what all pages share: calls of the API within the process, the cookies that hold a credential,
// templates, words in several languages, style sheets and scripts, and the page that a refusal becomes.
//
// A room is a package of pages with one subject, such as those of a voter. It has a function New that takes a
// [Frame] and a method Routes that returns its [Route]s. Rooms do not know each other.
//
// Pages are a client of the API: a room asks it with [Frame.Ask] in the name of whoever sent the request, so that a
// page can do nothing that its visitor could not do with the API.
package frame
