"use strict";
// Times grow older without a request.
