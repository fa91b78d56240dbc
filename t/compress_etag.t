# SPDX-License-Identifier: BSD-2-Clause
#
# Revalidation through a server that compresses: an upstream whose strong tag
# became weak gets it back, one with weak tags of its own gets those; and what a
# 304 says.  These upstreams compare literally, as many do.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

plan(skip_all => 'what weir adds') if is_oracle();
need_module(qw(http_gzip http_gunzip http_proxy));

my $text = 'some text ' x 100;
my $up = Weir::Backend->http(sub {
    my ($request) = @_;
    my ($kind) = $request->uri =~ /\?(\w+)/;
    my $tag = $kind eq 'weak' ? 'W/"x"' : '"x"';
    my $asked = $request->header('If-None-Match') // '';
    my $type = $kind eq 'bin' ? 'application/x' : 'text/html';

    return "HTTP/1.1 304 Not Modified\r\nETag: $tag\r\n\r\n"
        if grep { $_ eq $tag } split /, */, $asked;
    return "HTTP/1.1 200 OK\r\nContent-Type: $type\r\nETag: $tag\r\n"
        . 'Content-Length: ' . length($text) . "\r\n\r\n$text";
});
my $backend = $up->port;

my $t = Weir::Test->new;
$t->write('html/f.html', $text);
$t->write('html/f.bin', $text);
$t->run(<<"EOC");
worker_processes 3;
%%HTTP%%
    types { text/html html; }
    default_type application/x;
    server {
        listen 127.0.0.1:%%PORT%%;
        gzip on; gzip_vary on;
        location / { proxy_pass http://127.0.0.1:$backend; }
        location /off/ { gzip off; proxy_pass http://127.0.0.1:$backend; }
        location /file/ { alias %%TESTDIR%%/html/; }
    }
}
EOC

# asked($uri, $tags): the response, with gzip, and what the upstream was asked.
sub asked {
    my ($uri, $tags) = @_;

    $up->forget;
    my $r = $t->get($uri, headers => [
        'Accept-Encoding', 'gzip', $tags ? ('If-None-Match', $tags) : ()]);
    my ($request) = $up->requests;
    return ($r, $request ? $request->header('If-None-Match') // '' : undef);
}

my ($r, $sent) = asked('/?before', 'W/"x"');
is $sent, 'W/"x"', 'a weak tag that is not known is left alone';
is $r->status, 200, 'which that upstream does not know';

($r) = asked('/?strong');
is $r->header('ETag'), 'W/"x"', 'a strong tag becomes weak';
for my $time (1 .. 6) { # whichever worker it is
    ($r, $sent) = asked('/?strong', 'W/"x"');
    is $sent, '"x"', "the upstream gets its own tag, time $time";
    is $r->status, 304, '... and knows it';
    is $r->header('ETag'), 'W/"x"', '... the client the one that it has';
    is $r->header('Vary'), 'Accept-Encoding', '... and Vary';
}
is +(asked('/?strong', '"y", W/"x" , W/"z"'))[1], '"y", "x" , W/"z"',
    'in a list';
is +(asked('/?strong', 'W/"x",W/"x"'))[1], '"x","x"', 'twice';
is +(asked('/?strong', 'W/"x'))[1], 'W/"x', 'without its end';
is +(asked('/?other', 'W/"x"'))[1], 'W/"x"', 'not that of another target';
is +(asked('/?strong', '*'))[1], '*', 'not *';
is +(asked('/?strong', '"x"'))[1], '"x"', 'a strong one stays';
my $many = join ', ', ('W/"x"') x 100;
is scalar(() = (asked('/?strong', $many))[1] =~ m{W/}g), 68,
    'no more than 32 of a list are looked up';

($r) = asked('/?weak');
is $r->header('ETag'), 'W/"x"', 'an upstream with weak tags';
($r, $sent) = asked('/?weak', 'W/"x"');
is $sent, 'W/"x"', '... gets those';
is $r->status, 304, '... and knows them';

($r) = asked('/off/?strong');
is $r->header('ETag'), '"x"', 'not compressed: strong';
is +(asked('/off/?strong', 'W/"x"'))[1], 'W/"x"', '... and left alone';

# Reloads do not forget it.
$t->reload;
($r, $sent) = asked('/?strong', 'W/"x"');
is $sent, '"x"', 'after a reload';

# ---- 304 of files ----

my $tag = $t->get('/file/f.html')->header('ETag');
($r) = asked('/file/f.html', $tag);
is $r->status, 304, 'a file';
is $r->header('Vary'), undef, 'no Vary, as in nginx';
is $r->header('Content-Encoding'), undef, 'no coding with 304';
is $r->header('Content-Type'), undef, 'no type with 304';

done_testing;
