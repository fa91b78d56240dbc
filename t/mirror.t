# SPDX-License-Identifier: BSD-2-Clause
#
# mirror: copies of requests go elsewhere, and nobody waits for the answers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Time::HiRes qw(time);

need_module('http_mirror', 'http_rewrite', 'http_proxy');

my $t = Weir::Test->new;
$t->write('html/index.html', 'front');
$t->write('html/big.bin', 'x' x 3_000_000);

# The path says how long it takes.
my $b = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my $body = 'B' x ($request->uri =~ /large/ ? 500_000 : 5);

    select undef, undef, undef, 0.7 if $request->uri =~ /slow/;
    select undef, undef, undef, 2 if $request->uri =~ /never/;
    if ($request->uri =~ /broken/) {
        $c->close;
        return;
    }
    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($body)
        . "\r\n\r\n$body";
});
$t->run(<<'EOC' =~ s/%%BACKEND%%/'127.0.0.1:' . $b->port/gre);
%%HTTP%%
    log_format brief "$request_uri|$uri|$status|$request_method";
    access_log %%TESTDIR%%/access.log brief;
    client_body_buffer_size 1k;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location = /plain { mirror /copy; return 204; }
        location / { mirror /copy; }
        location = /two.html { mirror /copy; mirror /copy2; alias %%TESTDIR%%/html/index.html; }
        location = /logged { mirror /logged_copy; alias %%TESTDIR%%/html/index.html; }
        location = /slow { mirror /copy_slow; alias %%TESTDIR%%/html/index.html; }
        location = /never { mirror /copy_never; alias %%TESTDIR%%/html/index.html; }
        location = /broken { mirror /copy_broken; alias %%TESTDIR%%/html/index.html; }
        location = /refused { mirror /copy_refused; alias %%TESTDIR%%/html/index.html; }
        location = /missing { mirror /nosuch; mirror_request_body off; alias %%TESTDIR%%/html/index.html; }
        location = /large { mirror /copy_large; alias %%TESTDIR%%/html/index.html; }
        location = /body { mirror /copy; proxy_pass http://%%BACKEND%%/main; }
        location = /nobody { mirror /copy_nobody; mirror_request_body off; proxy_pass http://%%BACKEND%%/main; }
        location = /both { mirror /copy; mirror /copy_slow; proxy_pass http://%%BACKEND%%/main; }
        location = /unbuffered { mirror /copy; proxy_request_buffering off; proxy_pass http://%%BACKEND%%/main; }
        location /off { mirror /copy;
            location = /off/in { mirror off; alias %%TESTDIR%%/html/index.html; }
            location = /off/other { mirror /copy2; alias %%TESTDIR%%/html/index.html; }
        }
        location = /big.bin { mirror /copy; }
        location /tries/ { mirror /copy; try_files /index.html =404; }
        location /falls/ { mirror /copy; try_files /nosuch /off/in; }
        location /named/ { mirror /copy; try_files /nosuch @front; }
        location @front { return 200 front; }
        location /code/ { mirror /copy; try_files /nosuch =404; }
        location /denied/ { mirror /copy; deny all; }

        location = /closes { mirror /close; proxy_pass http://%%BACKEND%%/slow; }
        location = /close { return 444; }

        location = /copy { internal; proxy_pass http://%%BACKEND%%/copy$request_uri; }
        location = /copy2 { internal; proxy_pass http://%%BACKEND%%; }
        location = /copy_slow { internal; proxy_pass http://%%BACKEND%%/copy_slow; }
        location = /copy_never { internal; proxy_pass http://%%BACKEND%%/copy_never; }
        location = /copy_broken { internal; proxy_pass http://%%BACKEND%%/broken; }
        location = /copy_refused { internal; proxy_pass http://127.0.0.1:%%PORT_nobody%%; }
        location = /copy_large { internal; proxy_pass http://%%BACKEND%%/large; }
        location = /logged_copy { internal; log_subrequest on; proxy_pass http://%%BACKEND%%; }
        location = /copy_nobody { internal; proxy_pass_request_body off;
            proxy_set_header Content-Length ""; proxy_pass http://%%BACKEND%%/copy; }
    }
}
EOC

# What the backend was asked, sorted.
sub asked {
    my ($n) = @_;

    wait_until(sub { scalar(grep { $_->{uri} } $b->requests) >= $n });
    my @r = sort map { $_->method . ' ' . $_->uri . ' ' . length $_->body }
        $b->requests;
    $b->forget;
    return join '|', @r;
}

is $t->get('/index.html?a=b')->body, 'front', 'static';
is asked(1), 'GET /copy/index.html?a=b 0', 'static: copy';
is $t->get('/two.html?x')->body, 'front', 'two';
is asked(2), 'GET /copy/two.html?x 0|GET /copy2?x 0', 'two: copies';
is $t->head('/index.html')->status, 200, 'HEAD';
is asked(1), 'HEAD /copy/index.html 0', 'HEAD: copy';
is $t->get('/plain')->status, 204, 'return comes before';
is $t->get('/off/in')->body, 'front', 'off';
is $t->get('/off/other')->body, 'front', 'another';
is asked(1), 'GET /copy2 0', 'another: copy';

# A copy is made where the request comes to its content.
is $t->get('/tries/x')->body, 'front', 'a file of try_files';
is asked(1), 'GET /copy/tries/x 0', 'a file of try_files: copy';
is $t->get('/falls/x')->body, 'front', 'try_files redirects';
is $t->get('/named/x')->body, 'front', 'try_files, named location';
is $t->get('/code/x')->status, 404, 'try_files, no file';
is $t->get('/denied/x')->status, 403, 'access denied';
is $t->get('/off/other')->body, 'front', 'and then';
is asked(1), 'GET /copy2 0', 'no copy before';

# ---- bodies ----

for my $n (10, 5000, 300_000) {
    is $t->post('/body', 'y' x $n)->status, 200, "body of $n";
    is asked(2), "POST /copy/body $n|POST /main $n", "body of $n: copy";
}
is $t->post('/both', 'y' x 5000)->status, 200, 'body twice';
is asked(3), 'POST /copy/both 5000|POST /copy_slow 5000|POST /main 5000',
    'body twice: copies';
is $t->post('/unbuffered', 'y' x 5000)->status, 200, 'unbuffered';
is asked(2), 'POST /copy/unbuffered 5000|POST /main 5000', 'unbuffered: copy';
is $t->post('/nobody', 'y' x 5000)->status, 200, 'mirror_request_body off';
is asked(2), 'POST /copy 0|POST /main 5000', 'mirror_request_body off: copy';
is $t->request('POST', '/body', chunks => [ 'a' x 700, 'b' x 900 ])->status,
    200, 'chunked';
is asked(2), 'POST /copy/body 1600|POST /main 1600', 'chunked: copy';

# The body is read before anything is sent.
my $c = $t->connect;
$c->send("POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
select undef, undef, undef, 0.3;
is scalar(grep { $_->{uri} } $b->requests), 0, 'half a body';
$c->send('def');
is $c->read_response->status, 200, 'the other half';
is asked(2), 'POST /copy/body 6|POST /main 6', 'the other half: copy';

# ---- time ----

my $start = time;
$c = $t->connect;
is $c->get('/slow')->body, 'front', 'slow';
cmp_ok time - $start, '<', 0.5, 'slow: the answer does not wait';
is $c->get('/off/in')->body, 'front', 'slow: next request';
cmp_ok time - $start, '>', 0.5, 'slow: which waits';
is asked(1), 'GET /copy_slow 0', 'slow: copy';

$start = time;
is $t->get('/slow')->body, 'front', 'slow, to be closed';
$c = $t->connect;
$c->send("GET /slow HTTP/1.0\r\n\r\n");
like $c->read_response->body, qr/front/, 'slow, HTTP/1.0';
ok $c->closed, 'slow: closed in the end';
is asked(2), 'GET /copy_slow 0|GET /copy_slow 0', 'slow: copies';

# ---- failures ----

is $t->get('/broken')->body, 'front', 'broken';
is $t->get('/refused')->body, 'front', 'refused';
is $t->get('/missing')->body, 'front', 'missing';
is $t->get('/large')->body, 'front', 'large';
ok $t->wait_log(qr/Connection refused\) while connecting to upstream, client: 127.0.0.1, server: , request: "GET \/refused HTTP\/1.1", subrequest: "\/copy_refused", upstream: "http:/),
    'refused: the log';
ok $t->wait_log(qr/open\(\) ".*html\/nosuch" failed \(2: No such file or directory\), client: 127.0.0.1, server: , request: "GET \/missing HTTP\/1.1", subrequest: "\/nosuch", host: /),
    'missing: the log';

# As nginx has it: to close without a response goes for all.
$c = $t->connect;
$c->send("GET /closes HTTP/1.1\r\nHost: h\r\n\r\n");
ok $c->closed, 'return 444 within';

# ---- the client leaves ----

for my $uri ('/slow', '/never', '/big.bin', '/both') {
    my @c = map { $t->connect } 1 .. 5;
    $_->send("GET $uri HTTP/1.1\r\nHost: h\r\n\r\n") for @c;
    select undef, undef, undef, 0.1;
    $_->abort for @c[0 .. 2];
    $_->close for @c[3, 4];
}
is $t->get('/off/in')->body, 'front', 'clients that leave';

select undef, undef, undef, 2; # until the last copies have ended

# ---- logs ----

is $t->get('/logged')->body, 'front', 'log_subrequest';
ok wait_until(sub { $t->read('access.log') =~ m{^/logged\|/logged\|}m }),
    'main request';
like $t->read('access.log'), qr{^/logged\|/logged_copy\|200\|GET$}m,
    'log_subrequest: a line';
unlike $t->read('access.log'), qr{\|/copy}, 'no others';

# ---- messages ----

sub first { return conf_test("events {}\nhttp {\n$_[0]\n}\n")->{first} }

is first('mirror /a; mirror off;'), '"mirror" directive is duplicate in F:3',
    'off second';
is first('mirror off; mirror /a;'), '"mirror" directive is duplicate in F:3',
    'off first';

done_testing;
