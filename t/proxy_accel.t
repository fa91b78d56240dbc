# SPDX-License-Identifier: BSD-2-Clause
#
# What upstreams may ask of the server: X-Accel-Redirect and its kin,
# proxy_ignore_headers; and proxy_intercept_errors.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time);
use Weir::Test;

my $backend = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my $uri = $request->uri;
    my $status = $uri =~ m{/(\d\d\d)$} ? $1 : 200;
    my $fields = $request->header('X-Fields') // '';

    $fields =~ s/;; */\r\n/g;
    $fields .= "\r\n" if length $fields;
    return "HTTP/1.1 $status OK\r\n${fields}Content-Length: 8\r\n\r\nupstream";
});
my $up = $backend->port;

my $t = Weir::Test->new;
$t->write('html/file.txt', 'a file');
$t->write('html/big', 'x' x 30_000);
$t->run(<<"EOC");
%%HTTP%%
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        add_header X-Seen "\$upstream_http_x_accel_redirect \$uri \$args";
        location / { proxy_pass http://127.0.0.1:$up; }
        location /files/ { internal; alias %%TESTDIR%%/html/; }
        location /again/ { internal; return 200 "\$uri \$request_method"; }
        location \@named { return 200 "named \$uri"; }
        location /deaf { proxy_pass http://127.0.0.1:$up;
            proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate; }
        location /shown { proxy_pass http://127.0.0.1:$up;
            proxy_ignore_headers X-Accel-Redirect;
            proxy_pass_header X-Accel-Redirect; }
        location /errors { proxy_pass http://127.0.0.1:$up;
            proxy_intercept_errors on;
            error_page 404 /files/file.txt;
            error_page 500 = \@named; error_page 401 /page; }
        location /page { return 401 "page"; }
    }
}
EOC

sub with { return $t->get($_[0], headers => ['X-Fields', $_[1]]) }

my $r = with('/a', 'X-Accel-Redirect: /files/file.txt');
is $r->status, 200, 'redirected';
is $r->body, 'a file', 'to a file';
is $r->header('X-Accel-Redirect'), undef, 'the order is hidden';
like $r->header('X-Seen'), qr{^/files/file.txt }, 'but known';
$r = with('/a', 'X-Accel-Redirect: /files/file.txt;; Content-Type: text/x-up;; '
          . 'Set-Cookie: a=1;; X-Other: o;; Cache-Control: no-store;; '
          . 'Content-Disposition: attachment');
is $r->header('Content-Type'), 'text/x-up', 'its type stays';
is $r->header('Set-Cookie'), 'a=1', 'its cookies';
is $r->header('Cache-Control'), 'no-store', 'Cache-Control';
is $r->header('Content-Disposition'), 'attachment', 'Content-Disposition';
is $r->header('X-Other'), undef, 'no other';
$r = with('/a', 'X-Accel-Redirect: /files/none;; '
          . 'Content-Type: text/x-up; charset=koi8-r');
is $r->status . ' ' . $r->header('Content-Type'),
    '404 text/html; charset=koi8-r', 'a missing file: the charset stays';
is $t->request('POST', '/a', body => 'x', headers => [
       'X-Fields', 'X-Accel-Redirect: /again/here?a=b'])->body,
    '/again/here GET', 'POST becomes GET';
is with('/a', 'X-Accel-Redirect: @named')->body, 'named /a', 'a named location';
is with('/a', 'X-Accel-Redirect: /files/%66ile.txt')->body, 'a file',
    'escapes are decoded';
is with('/a', 'X-Accel-Redirect: /files/../file.txt')->status, 404,
    'no way out';
is with('/a', 'X-Accel-Redirect: /none')->status, 500, 'a circle is cut';
is with('/deaf', 'X-Accel-Redirect: /files/file.txt')->body, 'upstream',
    'ignored';
is with('/shown', 'X-Accel-Redirect: /x')->header('X-Accel-Redirect'), '/x',
    'and passed on';

my $start = time;
$r = with('/a', 'X-Accel-Redirect: /files/big;; X-Accel-Limit-Rate: 10000');
is length $r->body, 30_000, 'limited: all bytes';
cmp_ok time - $start, '>=', 1, 'limited: not too fast';
$r = with('/a', 'X-Accel-Buffering: no;; X-Accel-Expires: 5;; '
          . 'X-Accel-Charset: utf-8;; Date: x;; Server: y;; X-Pad: z');
is $r->body, 'upstream', 'other orders';
is join(' ', grep { /^X-(Accel|Pad)/i } $r->names), '', 'are hidden';
isnt $r->header('Server'), 'y', 'Server is ours';

is $t->get('/errors/404')->body, 'a file', 'an error page';
is $t->get('/errors/404')->status, 404, 'with its status';
is $t->get('/errors/500')->body, 'named /errors/500', 'a named location';
is $t->get('/errors/502')->body, 'upstream', 'no page for it';
$r = $t->get('/errors/401', headers => [
    'X-Fields', 'WWW-Authenticate: Basic realm="up"']);
is $r->header('WWW-Authenticate'), 'Basic realm="up"', '401 keeps the challenge';
is $t->get('/404')->body, 'upstream', 'not unless told so';

done_testing;
