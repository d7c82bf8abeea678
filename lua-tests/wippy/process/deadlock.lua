-- flags: --sim 11
-- expect: error
-- Nobody is left who could send anything.
process.inbox():receive()
