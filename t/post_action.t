# SPDX-License-Identifier: BSD-2-Clause
#
# post_action: what runs when the client has its answer, or has left.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Time::HiRes qw(time);

need_module('http_proxy', 'http_rewrite');

my $t = Weir::Test->new;
$t->write('html/index.html', 'front');
$t->write('html/big.bin', 'x' x 5_000_000);

# The path says what becomes of it.
my $b = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my $uri = $request->uri // '';
    my $body = $uri =~ /large/ ? 'B' x 500_000 : 'BBBBB';
    my $status = $uri =~ /fails/ ? '503 Sorry' : '201 Created';

    select undef, undef, undef, 0.6 if $uri =~ /slow/;
    if ($uri =~ /broken/) {
        $c->close;
        return;
    }
    return "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
        if $uri =~ /upgrade/;
    return "HTTP/1.1 $status\r\nContent-Length: " . length($body)
        . "\r\n\r\n$body";
});
$t->run(<<'EOC' =~ s/%%BACKEND%%/'127.0.0.1:' . $b->port/gre);
%%HTTP%%
    log_format brief "$request_uri|$uri|$args|$status|$request_method|$body_bytes_sent|$request_completion|$upstream_status";
    log_format other "other|$request_uri|$uri";
    access_log %%TESTDIR%%/brief.log brief;
    client_body_buffer_size 1k;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location = /plain { post_action /pa; return 200 ok; }
        location = /empty { post_action /pa; return 204; }
        location = /static { post_action /pa; alias %%TESTDIR%%/html/index.html; }
        location = /missing { post_action /pa; alias %%TESTDIR%%/html/nosuch; }
        location = /page { post_action /pa; error_page 404 /index.html; return 404; }
        location = /closes { post_action /pa; return 444; }
        location = /denied { post_action /pa; deny all; }
        location = /up { post_action /pa; proxy_pass http://%%BACKEND%%; }
        location = /upbroken { post_action /pa; proxy_pass http://%%BACKEND%%; }
        location = /upslow { post_action /pa; proxy_pass http://%%BACKEND%%; }
        location = /rate { post_action /pa; limit_rate 100k; alias %%TESTDIR%%/html/big.bin; }
        location = /big { post_action /pa; alias %%TESTDIR%%/html/big.bin; }
        location = /body { post_action /pa; proxy_pass http://%%BACKEND%%/main; }
        location = /inside { if ($arg_y) { post_action /pa; } return 200 ok; }
        location /outer { post_action /pa;
            location = /outer/inherits { return 200 ok; }
            location = /outer/other { post_action /pret; return 200 ok; }
            location = /outer/none { post_action off; return 200 ok; }
        }

        location = /named { post_action @pa; alias %%TESTDIR%%/html/index.html; }
        location = /nobody { post_action @nosuch; return 200 ok; }
        location = /slow { post_action /paslow; return 200 ok; }
        location = /large { post_action /palarge; return 200 ok; }
        location = /fails { post_action /pafails; return 200 ok; }
        location = /broken { post_action /pabroken; return 200 ok; }
        location = /upgrade { post_action /paupgrade; return 200 ok; }
        location = /refused { post_action /parefused; return 200 ok; }
        location = /returns { post_action /pret; return 200 ok; }
        location = /not_found { post_action /pret404; return 200 ok; }
        location = /nofile { post_action /nosuch; return 200 ok; }
        location = /file { post_action /index.html; return 200 ok; }
        location = /folder { post_action /; return 200 ok; }
        location = /args { post_action /pa?x=y; return 200 ok; }
        location = /variable { post_action /pa$arg_x; return 200 ok; }
        location = /self { post_action /self; return 200 ok; }
        location = /again { post_action /loop; return 200 ok; }
        location = /loop { post_action /loop; proxy_pass http://%%BACKEND%%; }
        location = /chain { post_action /chain2; return 200 ok; }
        location = /chain2 { post_action /pa; return 200 ok; }
        location = /rewritten { post_action /rewrites; return 200 ok; }
        location = /page_of_it { post_action /pages; return 200 ok; }
        location = /protected { post_action /asks; return 200 ok; }
        location = /cycle { post_action /pa; rewrite ^ /cycle; }
        location = /quiet { post_action /unlogged; return 200 ok; }
        location = /loud { access_log off; post_action /logged; return 200 ok; }

        location = /pa { internal; proxy_pass http://%%BACKEND%%; }
        location = /paslow { internal; proxy_pass http://%%BACKEND%%; }
        location = /palarge { internal; proxy_pass http://%%BACKEND%%; }
        location = /pafails { internal; proxy_pass http://%%BACKEND%%; }
        location = /pabroken { internal; proxy_pass http://%%BACKEND%%; }
        location = /paupgrade { internal; proxy_http_version 1.1;
            proxy_set_header Upgrade x; proxy_set_header Connection upgrade;
            proxy_pass http://%%BACKEND%%; }
        location = /parefused { internal; proxy_pass http://127.0.0.1:%%PORT_nobody%%; }
        location = /pret { internal; return 200 "not for the client"; }
        location = /pret404 { internal; return 404; }
        location = /rewrites { rewrite ^ /pa?k=v last; }
        location = /pages { error_page 404 /pa; return 404; }
        location = /asks { auth_request /pa; alias %%TESTDIR%%/html/index.html; }
        location = /unlogged { access_log off; return 200 ok; }
        location = /logged { access_log %%TESTDIR%%/brief.log other; return 200 ok; }
        location @pa { proxy_pass http://%%BACKEND%%; }
    }
    server {
        listen 127.0.0.1:%%PORT_all%%;
        post_action /pa;
        location / { return 200 ok; }
        location = /pa { proxy_pass http://%%BACKEND%%; }
    }
}
EOC

my $seen = 0;

# What the backend was asked, and the new lines in the log.
sub became {
    my ($asked, @logged) = @_;
    my ($name, @lines) = join ' ', @logged;

    ok wait_until(sub {
        @lines = grep { length } split /\n/, $t->read('brief.log');
        return @lines >= $seen + @logged;
    }), "$name: logged";
    is_deeply [@lines[$seen .. $#lines]], \@logged, "$name: the log";
    $seen = @lines;
    is join(' ', map { $_->method . ' ' . $_->uri } $b->requests), $asked,
        "$name: asked";
    $b->forget;
}

sub check {
    my ($uri, $status, $body, $asked, $log) = @_;
    my $r = $t->get($uri);

    is $r->status, $status, "$uri: status";
    like $r->body, $body, "$uri: body";
    became($asked, $log);
}

# ---- what the client gets, and what comes then ----

check('/plain', 200, qr/^ok$/, 'GET /pa', '/plain|/pa|-|201|GET|2|OK|201');
check('/plain?a=b', 200, qr/^ok$/, 'GET /pa',
      '/plain?a=b|/pa|-|201|GET|2|OK|201');
check('/empty', 204, qr/^$/, 'GET /pa', '/empty|/pa|-|201|GET|0|OK|201');
check('/static', 200, qr/^front$/, 'GET /pa', '/static|/pa|-|201|GET|5|OK|201');
check('/page', 404, qr/^front$/, '', '/page|/index.html|-|404|GET|5|OK|-');
check('/up', 201, qr/^BBBBB$/, 'GET /up GET /pa',
      '/up|/pa|-|201|GET|5|OK|201 : 201');
is $t->get('/missing')->status, 404, 'not found';
ok wait_until(sub { $t->read('brief.log') =~ m{^/missing\|/pa\|-\|404\|GET\|\d+\|OK\|201$}m }),
    'not found: its status is kept';
is $t->get('/denied')->status, 403, 'denied';
ok wait_until(sub { $t->read('brief.log') =~ m{^/denied\|/pa\|-\|403\|GET\|\d+\|OK\|201$}m }),
    'denied: its status is kept';
is $t->get('/upbroken')->status, 502, 'a broken upstream';
ok wait_until(sub { $t->read('brief.log') =~ m{^/upbroken\|/pa\|-\|502\|GET\|\d+\|OK\|502 : 201$}m }),
    'a broken upstream: its status is kept';
$seen += 3;
$b->forget;

check('/inside?y=1', 200, qr/^ok$/, 'GET /pa',
      '/inside?y=1|/pa|-|201|GET|2|OK|201');
check('/inside', 200, qr/^ok$/, '', '/inside|/inside|-|200|GET|2|OK|-');
check('/outer/inherits', 200, qr/^ok$/, 'GET /pa',
      '/outer/inherits|/pa|-|201|GET|2|OK|201');
check('/outer/other', 200, qr/^ok$/, '', '/outer/other|/pret|-|200|GET|2|OK|-');
check('/outer/none', 200, qr/^ok$/, '',
      '/outer/none|/outer/none|-|200|GET|2|OK|-') if !is_oracle;

# ---- what runs ----

check('/named', 200, qr/^front$/, 'GET /named',
      '/named|/named|-|201|GET|5|OK|201');
check('/large', 200, qr/^ok$/, 'GET /palarge',
      '/large|/palarge|-|201|GET|2|OK|201');
check('/fails', 200, qr/^ok$/, 'GET /pafails',
      '/fails|/pafails|-|503|GET|2|OK|503');
check('/broken', 200, qr/^ok$/, 'GET /pabroken',
      '/broken|/pabroken|-|502|GET|2|OK|502');
check('/upgrade', 200, qr/^ok$/, 'GET /paupgrade',
      '/upgrade|/paupgrade|-|101|GET|2|OK|101');
check('/refused', 200, qr/^ok$/, '', '/refused|/parefused|-|502|GET|2|OK|502');
check('/returns', 200, qr/^ok$/, '', '/returns|/pret|-|200|GET|2|OK|-');
check('/not_found', 200, qr/^ok$/, '', '/not_found|/pret404|-|404|GET|2|OK|-');
check('/nofile', 200, qr/^ok$/, '', '/nofile|/nosuch|-|404|GET|2|OK|-');
check('/file', 200, qr/^ok$/, '', '/file|/index.html|-|200|GET|2|OK|-');
check('/folder', 200, qr/^ok$/, '', '/folder|/index.html|-|200|GET|2|OK|-');
check('/args', 200, qr/^ok$/, '', '/args|/pa?x=y|-|404|GET|2|OK|-');
check('/variable?x=1', 200, qr/^ok$/, '',
      '/variable?x=1|/pa$arg_x|-|404|GET|2|OK|-');
check('/chain', 200, qr/^ok$/, 'GET /pa', '/chain|/pa|-|201|GET|2|OK|201');
check('/rewritten', 200, qr/^ok$/, 'GET /pa?k=v',
      '/rewritten|/pa|k=v|201|GET|2|OK|201');
check('/page_of_it', 200, qr/^ok$/, 'GET /pa',
      '/page_of_it|/pa|-|404|GET|2|OK|201');
check('/protected', 200, qr/^ok$/, 'GET /pa',
      '/protected|/asks|-|200|GET|2|OK|-') if !is_oracle;
check('/loud', 200, qr/^ok$/, '', 'other|/loud|/logged');
is $t->get('/quiet')->body, 'ok', 'logged as its place says';

# ---- no end ----

check('/nobody', 200, qr/^ok$/, '', '/nobody|/nobody|-|500|GET|2|OK|-');
ok $t->wait_log(qr{could not find named location "\@nosuch", client: [\d.]+, server: , request: "GET /nobody}),
    'no such name';
check('/self', 200, qr/^ok$/, '', '/self|/self|-|500|GET|2|OK|-');
ok $t->wait_log(qr{rewrite or internal redirection cycle while internally redirecting to "/self", client: }),
    'itself';
check('/again', 200, qr/^ok$/, join(' ', ('GET /loop') x 10),
      '/again|/loop|-|500|GET|2|OK|' . join ' : ', (201) x 10);
my $circle = $t->get('/cycle');
is $circle->status, 500, 'redirects in a circle';
became('GET /pa', '/cycle|/pa|-|500|GET|' . length($circle->body) . '|OK|201');
my $c = $t->connect(port => $t->port('all'));
is $c->get('/x')->body, 'ok', 'for a server';
became(join(' ', ('GET /pa') x 10),
       '/x|/pa|-|500|GET|2|OK|' . join ' : ', (201) x 10);

# ---- methods and bodies ----

is $t->head('/plain')->status, 200, 'HEAD';
became('HEAD /pa', '/plain|/pa|-|201|HEAD|0|OK|201');
is $t->head('/up')->status, 201, 'HEAD, proxied';
became('HEAD /up HEAD /pa', '/up|/pa|-|201|HEAD|0|OK|201 : 201');

is $t->post('/body', 'y' x 500)->status, 201, 'POST';
wait_until(sub { scalar(grep { 1 } $b->requests) == 2 });
is join(' ', map { length $_->body } $b->requests), '500 500', 'its body, twice';
became('POST /main POST /pa', '/body|/pa|-|201|POST|5|OK|201 : 201');
if (!is_oracle) {
    is $t->post('/body', 'y' x 50_000)->status, 201, 'a large body';
    wait_until(sub { scalar(grep { 1 } $b->requests) == 2 });
    is join(' ', map { length $_->body } $b->requests), '50000 50000',
        'a large body, twice';
    became('POST /main POST /pa', '/body|/pa|-|201|POST|5|OK|201 : 201');
}
for my $n (500, 50_000) {
    is $t->post('/plain', 'y' x $n)->status, 200, "an unread body of $n";
    wait_until(sub { scalar(grep { 1 } $b->requests) == 1 });
    is join(' ', map { length $_->body } $b->requests), 0, 'which is gone';
    became('POST /pa', '/plain|/pa|-|201|POST|2|OK|201');
}

# ---- connections ----

my $start = time;
$c = $t->connect;
is $c->get('/slow')->body, 'ok', 'slow';
cmp_ok time - $start, '<', 0.4, 'slow: the client does not wait';
is $c->get('/plain')->body, 'ok', 'slow: the next request';
cmp_ok time - $start, '>', 0.5, 'slow: which does';
became('GET /paslow GET /pa', '/slow|/paslow|-|201|GET|2|OK|201',
       '/plain|/pa|-|201|GET|2|OK|201');

$start = time;
$c = $t->connect;
is $c->get('/slow', close => 1)->body, 'ok', 'slow, to be closed';
cmp_ok time - $start, '<', 0.4, 'slow, to be closed: at once';
ok $c->closed, 'closed';
cmp_ok time - $start, '>', 0.5, 'closed: later';
became('GET /paslow', '/slow|/paslow|-|201|GET|2|OK|201');

$c = $t->connect;
$c->send(join '', map { "GET /$_ HTTP/1.1\r\nHost: h\r\n\r\n" }
         qw(plain plain empty returns));
is join(' ', map { $c->read_response->status } 1 .. 4), '200 200 204 200',
    'a pipeline';
became('GET /pa GET /pa GET /pa', ('/plain|/pa|-|201|GET|2|OK|201') x 2,
       '/empty|/pa|-|201|GET|0|OK|201', '/returns|/pret|-|200|GET|2|OK|-');

$c = $t->connect;
$c->send("GET /closes HTTP/1.1\r\nHost: h\r\n\r\n");
ok $c->closed, 'return 444';
became('', '/closes|/closes|-|444|GET|0||-');

# ---- clients that leave ----

sub leave {
    my ($uri, $log) = @_;
    my $client = $t->connect;

    $client->send("GET $uri HTTP/1.1\r\nHost: h\r\n\r\n");
    select undef, undef, undef, 0.2;
    $client->abort;
    ok wait_until(sub { $t->read('brief.log') =~ /^$log$/m }),
        "$uri: the client leaves";
}

leave('/upslow', qr{/upslow\|/pa\|-\|201\|GET\|0\|\|(?:-|499) : 201});
leave('/slow', qr{/slow\|/paslow\|-\|201\|GET\|2\|OK\|201});
leave('/rate', qr{/rate\|/pa\|-\|201\|GET\|\d+\|\|201});
leave('/big', qr{/big\|/pa\|-\|201\|GET\|\d+\|\|201});

for my $uri (qw(/slow /upslow /rate /up /big /again)) {
    my @c = map { $t->connect } 1 .. 5;
    $_->send("GET $uri HTTP/1.1\r\nHost: h\r\n\r\n") for @c;
    select undef, undef, undef, 0.05;
    $_->abort for @c[0 .. 2];
    $_->close for @c[3, 4];
}
is $t->get('/file')->body, 'ok', 'many of them';
select undef, undef, undef, 1.5; # until the last have ended

# ---- heads that never become whole ----

# One that those above do not ask.
my $alone = Weir::Backend->http(sub {
    return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
});
my $h = Weir::Test->new;
$h->run(<<'EOC' =~ s/%%BACKEND%%/'127.0.0.1:' . $alone->port/gre);
%%HTTP%%
    log_format brief "$request|$uri|$status";
    access_log %%TESTDIR%%/brief.log brief;
    client_header_timeout 500ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        post_action /pa;
        location = /pa { internal; post_action off;
                         proxy_pass http://%%BACKEND%%/slow; }
        location / { return 200 ok; }
    }
}
EOC

for my $half ('GET / HT', "GET / HTTP/1.1\r\nHost: h\r\nX", "\r\n") {
    $c = $h->connect;
    $c->send($half);
    ok $c->closed, 'client_header_timeout';
    $c->send("TP/1.1\r\nHost: x\r\n\r\n");
    next if is_oracle(); # where one that ends within its head has run
    $c = $h->connect;
    $c->send($half);
    $c->shutdown_write;
    ok $c->closed, 'the client leaves within its head';
}
is scalar($alone->requests), 0, '... are no requests that end';
is $h->get('/')->body, 'ok', 'one that does';
ok wait_until(sub { scalar($alone->requests) == 1 }), '... goes there';
is $h->raw("GET / HTTP/1.1\r\n\r\n")->status, 400, 'and one that is refused';
ok wait_until(sub { scalar($alone->requests) == 2 }), '... too';

# ---- messages ----

is conf_test("events {}\nhttp {\npost_action /a; post_action /b;\n}\n")->{first},
    '"post_action" directive is duplicate in F:3', 'duplicate';

done_testing;
