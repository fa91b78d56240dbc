# SPDX-License-Identifier: BSD-2-Clause
#
# Modules of which a configuration has no directive, or only one in some corner:
# what they do all the same, and what a reload brings.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Coding;
use Weir::Test;

my $t = Weir::Test->new;

$t->write('html/index.html', 'the index');
$t->write('html/a.txt', 'plain ' x 100, mtime => 1700000000);
$t->write('html/a.txt.gz', 'as gz');
$t->write('html/a.txt.br', 'as br');

my $plain = 'plain ' x 100;

# A server with some directives, in http and in a location.
sub conf {
    my ($http, $location) = @_;

    return <<"EOC";
%%HTTP%%
    $http
    types { text/plain txt; text/html html; }
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location / { $location }
        location /up/ { proxy_pass http://127.0.0.1:%%PORT_up%%; }
    }
    server {
        listen 127.0.0.1:%%PORT_up%%;
        location / { add_header X-Accel-Charset none-such; return 200 page; }
    }
}
EOC
}

sub coded {
    my ($name) = @_;

    return $t->get('/a.txt', headers => [ 'Accept-Encoding' => $name ]);
}

$t->run(conf('', ''));
is $t->get('/')->body, 'the index', 'index without "index"';
is $t->get('/a.txt')->body, $plain, 'a file';
is $t->get('/a.txt', headers => [ Range => 'bytes=0-4' ])->body, 'plain',
    'a range';
is $t->get('/a.txt', headers =>
        [ 'If-Modified-Since' => 'Tue, 14 Nov 2023 22:13:20 GMT' ])->status,
    304, 'not modified';
is $t->get('/up/')->body, 'page', 'through a proxy';
ok $t->wait_log(qr/\[error\].*unknown charset "none-such" to override/),
    'X-Accel-Charset';
is coded('gzip')->header('Content-Encoding'), undef, 'not compressed';

# What only one place has is called there.
my @steps = (
    [ 'http_gzip', 'gzip on; gzip_min_length 1; gzip_types text/plain;', '',
        sub {
            my $r = coded('gzip');
            is +(decode('gzip', $r->body))[0], $plain, 'gzip alone';
        } ],
    [ 'http_gzip_static', '', 'gzip_static on;',
        sub { is coded('gzip')->body, 'as gz', 'gzip_static alone' } ],
    [ 'http_brotli_static', '', 'brotli_static on;',
        sub { is coded('br')->body, 'as br', 'brotli_static alone' } ],
    [ 'http_brotli', 'brotli on; brotli_min_length 1; brotli_types text/plain;',
        '',
        sub {
            is coded('br')->header('Content-Encoding'), 'br', 'brotli alone';
        } ],
    [ 'http_sub', '', 'location /index { sub_filter index fancy; }',
        sub {
            like $t->get('/index.html')->body, qr/fancy/, 'sub_filter';
            is $t->get('/a.txt')->body, $plain, '... only there';
        } ],
    [ 'http_access', '', 'limit_except POST { deny all; }',
        sub { is $t->get('/a.txt')->status, 403, 'access in limit_except' } ],
    [ 'http_rewrite', '', 'if ($arg_r) { return 402; }',
        sub { is $t->get('/a.txt?r=1')->status, 402, 'a condition' } ],
    [ 'http_limit_req', 'limit_req_zone $uri zone=one:1m rate=1r/m;',
        'limit_req zone=one;',
        sub {
            is $t->get('/a.txt')->status, 200, 'limit_req: the first';
            is $t->get('/a.txt')->status, 503, '... and another';
        } ],
    [ 'http_limit_req', 'limit_req_zone $uri zone=one:1m rate=1r/m;', '',
        sub { is $t->get('/a.txt')->status, 200, 'a zone, but no limit' } ],
);
for my $step (@steps) {
    my ($module, $http, $location, $check) = @$step;

    SKIP: {
        skip "$module is not in this build", 1
            if !has_module($module) || (is_oracle() && $module =~ /brotli/);
        $t->reload(conf($http, $location));
        $check->();
    }
}

done_testing();
