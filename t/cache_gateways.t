# SPDX-License-Identifier: BSD-2-Clause
#
# The caches of FastCGI, SCGI and uwsgi, and folders that nginx and weir use in
# turn: each reads the files of the other.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Weir::FastCGI;
use Weir::Test qw(:DEFAULT free_port);

need_module('http_fastcgi');
need_module('http_scgi');
need_module('http_uwsgi');

my $nginx = '/usr/sbin/nginx';

# What an application answers, by the parameters that it was sent.
sub reply {
    my (%p) = @_;
    my $tag = $p{HTTP_IF_NONE_MATCH} // '-';
    my $range = $p{HTTP_RANGE} // '-';
    my $vary = $p{REQUEST_URI} =~ /vary/ ? "Vary: X-Kind\r\n" : '';

    return "Status: 304 Not Modified\r\n\r\n" if $tag eq '"t"';
    return "X-Range: $range\r\nX-Pid: $$\r\nETag: \"t\"\r\n$vary"
        . "Content-Type: text/plain\r\n\r\nbody of $p{REQUEST_URI}";
}

sub read_scgi {
    my ($c) = @_;
    my $start = $c->read_until(qr/^\d+:/) // return;
    my ($n) = $start =~ /(\d+)/;
    my $text = $c->read_until(qr/\A.{$n},/s) // return;
    my %p = split /\0/, $text =~ s/\0,\z//r, -1;

    $c->send(reply(%p));
}

sub read_uwsgi {
    my ($c) = @_;
    my $head = $c->read_until(qr/\A.{4}/s) // return;
    my $n = unpack 'xv', $head;
    my $text = $c->read_until(qr/\A.{$n}/s) // return;
    my %p = unpack '(v/a)*', $text;

    $c->send("HTTP/1.1 200 OK\r\n" . (reply(%p) =~ s/^Status: (.*?)\r\n//r));
}

my $fcgi = Weir::FastCGI->new(sub {
    my ($request) = @_;
    return answer(reply(%{ $request->{params} }));
});
my $scgi = Weir::Backend->tcp(\&read_scgi);
my $uwsgi = Weir::Backend->tcp(\&read_uwsgi);
my $http = Weir::Backend->http(sub {
    my ($request) = @_;
    my $body = 'body of ' . $request->uri;
    my $vary = $request->uri =~ /vary/ ? "Vary: X-Kind, Accept-Encoding\r\n" : '';
    return "HTTP/1.1 200 OK\r\nX-Pid: $$\r\n${vary}Content-Length: "
        . length($body) . "\r\n\r\n$body";
});

my %port = (fastcgi => $fcgi->port, scgi => $scgi->port, uwsgi => $uwsgi->port);
my ($paths, $locations) = ('', '');
for my $kind (sort keys %port) {
    $paths .= "    ${kind}_cache_path %%TESTDIR%%/c/$kind levels=1:2 "
        . "keys_zone=$kind:1m;\n";
    $locations .= <<"EOC";
        location /$kind/ { ${kind}_cache $kind; ${kind}_cache_key $kind\$request_uri;
            ${kind}_cache_valid 200 1h; ${kind}_pass 127.0.0.1:$port{$kind};
            ${kind}_param REQUEST_URI \$request_uri; }
        location /$kind/short { ${kind}_cache $kind; ${kind}_cache_key $kind\$request_uri;
            ${kind}_cache_valid 200 1s; ${kind}_cache_revalidate on;
            ${kind}_pass 127.0.0.1:$port{$kind};
            ${kind}_param REQUEST_URI \$request_uri; }
EOC
}
my $conf = <<"EOC";
%%HTTP%%
$paths
    proxy_cache_path %%TESTDIR%%/c/proxy levels=2:2 keys_zone=proxy:1m;
    add_header X-Cache \$upstream_cache_status;
    server {
        listen 127.0.0.1:%%PORT%%;
$locations
        location /proxy/ { proxy_cache proxy; proxy_cache_valid 1h;
            proxy_pass http://127.0.0.1:${\$http->port}; }
    }
}
EOC

my $t = Weir::Test->new;
$t->mkdir('c');
$t->run($conf);

sub asked {
    my $r = $t->get(@_);
    return join ' ', $r->status, $r->header('X-Cache') // '-', $r->body;
}

for my $kind (sort keys %port) {
    subtest $kind => sub {
        is asked("/$kind/a"), "200 MISS body of /$kind/a", 'the first';
        is asked("/$kind/a"), "200 HIT body of /$kind/a", 'the second';
        my $name = md5_hex("$kind/$kind/a");
        my ($one, $two) = $name =~ /(..)(.)\z/;
        my ($l1, $l2) = (substr($name, -1), substr($name, -3, 2));
        ok wait_until(sub { -f $t->path("c/$kind/$l1/$l2/$name") }), 'its file';
        my $r = $t->get("/$kind/b", headers => ['Range', 'bytes=0-2']);
        is $r->header('X-Range'), '-', 'the whole is asked for';
        $t->get("/$kind/vary", headers => ['X-Kind', $_]) for 'a', 'b';
        is $t->get("/$kind/vary", headers => ['X-Kind', $_])->header('X-Cache'),
            'HIT', "variant $_" for 'a', 'b';
        is $t->get("/$kind/vary")->header('X-Cache'), 'MISS', 'another one';
        asked("/$kind/short");
    };
}
sleep 2;
is asked("/$_/short"), "200 REVALIDATED body of /$_/short", "$_: revalidated"
    for 'fastcgi', 'scgi';

subtest 'folders of nginx' => sub {
    plan skip_all => 'nothing to compare with'
        if is_oracle() || !-x $nginx || !has_module('http_uwsgi');
    my @uris = map { ("/$_/n1", "/$_/vary2") } 'proxy', sort keys %port;
    my $n = Weir::Test->new;
    my $own = $t->expand($conf);

    # as nginx, on the same folders
    my $other = free_port();
    $own =~ s/listen 127\.0\.0\.1:\d+/listen 127.0.0.1:$other/;
    $own =~ s{(pid\s+)\S+;}{$1${\$t->path('other.pid')};};
    $own =~ s{(error_log\s+)\S+}{$1${\$t->path('other.log')}};
    $t->write('other.conf', $own);
    my $pid = Weir::Test::start_process(
        'nginx', $nginx, ['-p', $t->path(''), '-c', $t->path('other.conf')],
        $t->path('out'), $t->path('err'));
    ok wait_until(sub { -s $t->path('other.pid') }), 'nginx runs'
        or diag $t->read('err');
    for my $uri (@uris) {
        my $r = $t->get($uri, port => $other, headers => ['X-Kind', 'one']);
        is $r->header('X-Cache'), 'MISS', "nginx stores $uri";
        wait_until(sub {
            my $again = $t->get($uri, port => $other,
                                headers => ['X-Kind', 'one']);
            $again->header('X-Cache') eq 'HIT';
        });
    }
    for my $uri (map { "/$_/a" } sort keys %port) {
        is $t->get($uri, port => $other)->header('X-Cache'), 'HIT',
            "nginx reads $uri";
    }
    is $t->get('/fastcgi/vary', port => $other, headers => ['X-Kind', 'b'])
        ->header('X-Cache'), 'HIT', '... and a variant';
    kill 'QUIT', $pid;
    waitpid $pid, 0;

    $t->stop;
    $n->run($own =~ s/listen 127\.0\.0\.1:\d+/listen 127.0.0.1:%%PORT%%/r
        =~ s{pid\s+\S+;}{pid %%TESTDIR%%/nginx.pid;}r
        =~ s{(error_log\s+)\S+}{$1%%TESTDIR%%/error.log}r);
    for my $uri (@uris) {
        my $r = $n->get($uri, headers => ['X-Kind', 'one']);
        is $r->header('X-Cache'), 'HIT', "weir reads $uri";
        is $r->body, "body of $uri", '... whole';
    }
};

done_testing;
